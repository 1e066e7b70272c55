// The shape of a model: all that its tensors and its config tell, as one plain struct.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/grid.h"
#include "fovea/io/array.h"
#include "fovea/model/block_shape.h"
#include "fovea/model/config.h"
#include "fovea/model/stem.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/options.h"

namespace fovea {

class Checkpoint;

// What makes a ViT a big.LITTLE ViT: who is important is predicted, and from then on only important
// tokens take a layer's plain block; a narrow LITTLE block beside it takes all.
struct Routing {
  int first_big = 1;     // plain layers before the first routed one
  int little_every = 0;  // routed layers from one LITTLE block to the next; 0: no LITTLE blocks
  int little_width = 0;
  int little_heads = 0;
  int little_mlp_width = 0;
  std::vector<int> predict_after;  // layers, counted from 1, ascending; the first is first_big
  double keep_ratio = 0.25;        // of the patches that take the big path
  // What the paper leaves out to show what it is worth.
  bool learned = true;          // else evenly spread patches are chosen, whatever they show
  bool cross_attention = true;  // else big attention sees selected tokens alone

  // Whether `layer` (from 0) has a LITTLE block.
  bool has_little(int layer) const {
    return layer >= first_big && little_every > 0 && (layer - first_big) % little_every == 0;
  }
};

// What comes in: pictures [B, 3, rows, columns], videos [B, 3, frames, rows, columns], or sound as
// spectrograms [B, frames, mel bins], which are rows and columns of one channel.
enum class Medium { picture, video, sound };

// Attention by one learned token that asks all others, and an MLP on what it gathers.
struct AttentionPool {
  int heads = 0;
  int mlp_width = 0;
  Activation activation = Activation::gelu;
  bool with_prefix = false;  // prefix tokens are asked too
};

struct Architecture {
  std::string name;
  std::string_view family;  // whose names its file has
  int depth = 0;
  int width = 0;     // C
  BlockShape block;  // of every layer; its width is this one's
  Stem stem = Stem::linear;
  // Of the other stems; the 1x1 one that ends Stem::conv is not among them.
  std::vector<StemConvolution> convolutions;
  Medium medium = Medium::picture;
  int in_channels = 3;
  Grid patch = {16, 16};  // in pixels; of a video a tube of frames
  Grid stride;            // from one patch to the next; empty: they lie side by side
  // Rows of patches are frequencies (AST): spectrograms are turned before they are cut.
  bool frequency_first = false;
  bool class_token = false;
  bool distillation_token = false;
  int registers = 0;
  bool patch_bias = true;                   // of the linear stem
  std::optional<NormKind> patch_norm = {};  // behind it
  std::optional<NormKind> pre_norm = {};    // before the blocks, of tokens with their positions
  bool final_norm = false;                  // norm
  bool fc_norm = false;                     // norm after average pooling
  std::optional<double> fc_norm_eps = {};   // where it is another than the blocks'
  bool late_norm = false;                   // norm stands behind pooling (MAE-ST), as fc_norm does
  bool head_norm = false;                   // before the head (AST), behind the features
  Pooling pooling = Pooling::token;
  // The first patch is taken for the class token that the model lacks: pooling by class token reads
  // it (VideoMAE), the mean leaves it out (MAE-ST), and it never merges.
  bool first_patch_leads = false;
  bool pool_concat = false;  // DINOv2's classifier: class token beside the mean of the patches
  std::optional<AttentionPool> attention_pool = {};
  int projection = 0;           // channels that features are projected to (CLIP); 0: none
  int classes = 0;              // 0: no head
  bool distilled_head = false;  // a second head, on the distillation token
  int position_rows = 0;        // 0: no position embedding
  // Kept as tables of frames and of places in a frame, whose rows are added (MAE-ST).
  bool split_positions = false;
  bool sinusoids = false;  // positions are sines and cosines of the patches' numbers (VideoMAE)
  Grid position_grid;      // where its tensor says it: [1, rows, columns, C]; else empty
  Resampling resampling = Resampling::antialiased;  // of positions, for other grids
  Grid bias_grid;             // that tables of relative positions are made for
  bool resizes_bias = false;  // which serve other grids
  // Segment Anything's image encoder: attention stays within windows, but in some layers.
  int window = 0;             // side; 0: all layers see whole images
  std::vector<int> over_all;  // layers, from 0, ascending
  Grid decomposed;            // that the tables of layers over all are made for; empty: none
  int neck = 0;               // channels of the embedding behind the encoder; 0: it has none
  // Sizes of inputs, in frames and pixels, or frames and mel bins, that the config names; empty
  // where it names none. Of videos and sound image_size is always told.
  Grid image_size;
  Grid input_size;
  int64_t parameters = 0;
  std::optional<Routing> routing;  // of a big.LITTLE ViT

  // What layer `layer` (from 0) is: the plain block of a routed one.
  BlockShape layer(int layer) const;
  // And the LITTLE block beside it.
  BlockShape little(int layer) const;

  // Whether attention is told where tokens stand.
  bool knows_places() const { return block.knows_places() || window > 0 || !decomposed.empty(); }
  // Which layers have windows, of a grid of patches.
  WindowedLayers windowed(const Grid& grid) const;
  // How many of the first layers are like those of a plain ViT.
  int plain_layers() const { return routing ? routing->first_big : depth; }
  Grid step() const { return stride.empty() ? patch : stride; }
  // The grid of patches of an input of that size.
  Grid patches_of(const Grid& size) const {
    const Grid seen = frequency_first ? Grid(size.frames, size.columns, size.rows) : size;
    return places_within(seen, patch, step());
  }
  // Tokens before the patches.
  int prefix() const { return int{class_token} + int{distillation_token} + registers; }
  // First tokens that never merge.
  int protected_tokens() const { return prefix() + int{first_patch_leads}; }
  // How many of the first tokens are all that the head sees; 0: it sees all.
  int seen_by_head() const {
    if (pooling == Pooling::prefix) return prefix();
    if (pooling != Pooling::token || pool_concat) return 0;
    return distilled_head ? 2 : 1;
  }
  // Channels of the features, which are what the head sees.
  int features() const {
    if (neck > 0) return neck;
    if (projection > 0) return projection;
    return pool_concat ? 2 * width : width;
  }
};

// Makes a plain model for images of `image_size` an encoder of Segment Anything: with windows of
// `window` patches a side but in every `every`-th layer, tables of biases by rows and columns, and
// a neck of `neck` channels.
void make_segment_encoder(int window, int every, int neck, Architecture& architecture);
// Makes such an encoder's positions, and its tables of layers over all, those for `image_size`.
void place_segment_encoder(Architecture& architecture);

// Reads everything from the shapes of a checkpoint and from its config. Throws Error naming the
// tensor (missing, wrong shape) or the key of the config that contradicts it.
Architecture infer_architecture(const Checkpoint& checkpoint, const Config& config);

// How the rows of a position embedding are to be read for an input of some grid of patches.
struct PositionLayout {
  int prefix = 0;  // leading rows, which belong to the first prefix tokens
  Grid grid;       // rows and columns of patches that the others were made for
};

// How many leading rows a table of positions has besides one for each patch of a grid; nothing
// where it is of another grid.
std::optional<int> position_prefix(const Architecture& architecture, const Grid& grid);

// For P patches and p prefix tokens a table of n rows means: n = P patches
// only; n = P + p all; n = P + 1 with registers the class token and patches. Otherwise it is of
// another grid: that of image_size, else of input_size where it fits, else a square. Throws Error
// where none fits.
FOVEA_API PositionLayout position_layout(const Architecture& architecture, const Grid& grid);

// Throws Error where an input of that size is not made of whole patches: `what` says what it is
// of, and the message which sizes are nearest. The size that the model was made for may leave a
// margin at the right and the bottom, which no patch sees (SigLIP's 384 pixels in patches of 14).
// Where positions of videos or sound are stored they serve one number of patches alone.
FOVEA_API void check_input_size(const std::string& what, const Grid& size,
                                const Architecture& architecture);

// The size of inputs that the model was made for: what the config says, else what a square table of
// positions tells, else 224.
FOVEA_API Grid made_for(const Architecture& architecture);

// The shape of `batch` inputs of that size as Model::run takes them (see Medium).
FOVEA_API Shape input_shape(const Architecture& architecture, int64_t batch, const Grid& size);

// What such a batch is called, and its extents: "videos", "[batch, 3, frames, height, width]".
struct InputText {
  std::string what, extents;
};
InputText input_text(const Architecture& architecture);

// "224 x 224 pixels", "16 frames of 224 x 224 pixels", "1024 frames of 128 mel bins".
FOVEA_API std::string size_text(const Architecture& architecture, const Grid& size);
// Of patches: "14 x 14", "8 x 14 x 14" of videos.
std::string grid_text(const Grid& grid);

// A named architecture: (vit|deit)_(tiny|small|base|large|huge)_patch(8|14|16|32)_SIZE or
// blvit_(base_tiny|huge_base)_patch(8|14|16|32)_SIZE, SIZE 224 or 224x384 (height x width); what
// timm publishes of CLIP, SigLIP, DINOv2, DINOv3, EVA and BEiT; or models of videos and of sound
// (videomae_base_patch16_224, ast_base_patch16_128x1024). Throws Error saying what is possible.
FOVEA_API Architecture named_architecture(const std::string& name);

// Names of such architectures, all or those that `pattern` matches: a part of a name, or with
// wildcards (*, ?, [..]) a whole one.
FOVEA_API std::vector<std::string> named_architectures(const std::string& pattern = {});

// The share of patches that a run is to select: `wanted`, else what the model was made for. Throws
// Error where it is not above 0 and at most 1, or wanted of a model that routes no tokens.
FOVEA_API double keep_ratio_of(const Architecture& architecture, std::optional<double> wanted);

// How many tokens of an image of a big.LITTLE ViT take the big path from a predictor on that reads
// so many.
FOVEA_API int selected_tokens(const Architecture& architecture, double keep_ratio, int tokens);

// How many of the first tokens of each image the last layer computes, behind the keys and values of
// all, where features and logits are all that is read; 0: all tokens. A threshold must see who
// merges to tell how many are left, and a big.LITTLE ViT routes all.
int last_asking(const Architecture& architecture, const MergeOptions& merge);

}  // namespace fovea
