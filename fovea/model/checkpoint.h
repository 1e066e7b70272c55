// A checkpoint of any dialect, seen under canonical names: timm's, with one spelling for branches.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/io/tensor_file.h"
#include "fovea/model/names.h"

namespace fovea {

// Canonical names (j counts branches, 0 where there is one):
//   cls_token, dist_token, reg_token, pos_embed, norm.{weight,bias}, fc_norm.{weight,bias},
//   head_norm.{weight,bias}, head.{weight,bias}, head_dist.{weight,bias},
//   pos_embed_{class,temporal,spatial}        positions of frames and of places kept apart
//   patch_embed.proj.{weight,bias}            linear stem
//   patch_embed.proj.{0,1,3,4,..}.*           hMLP and convolutional stem
//   blocks.i.attns.j.{norm,attn.qkv,attn.proj}.{weight,bias}, blocks.i.attns.j.ls.gamma
//   blocks.i.attns.j.attn.{q,k,v}.{weight,bias}   where the file keeps them apart
//   blocks.i.attns.j.attn.{q_norm,k_norm,norm}.{weight,bias}, blocks.i.attns.j.attn.bias_table, or
//   rel_pos_bias.table for all layers
//   blocks.i.ffns.j.{norm,mlp.fc1,mlp.fc2}.{weight,bias}, blocks.i.ffns.j.ls.gamma
//   blocks.i.ffns.j.mlp.fc1_{g,x}.{weight,bias}   gate and values where the file keeps them apart
//   blocks.i.ffns.j.mlp.norm.{weight,bias}, rope.freqs
//   norm_pre, patch_embed.norm, projection.weight (CLIP's), attn_pool.latent,
//   attn_pool.{qkv,proj,norm,mlp.fc1,mlp.fc2}.{weight,bias}, or attn_pool.{q,kv}
//   blocks.i.{alpha_attn,alpha_mlp,gamma}, predictors.i.{weight,bias}   big.LITTLE ViTs
//   blocks.i.little.{norm1,attn.qkv,attn.proj,norm2,mlp.down,mlp.fc1,mlp.fc2,mlp.up}.{weight,bias}
//   blocks.i.attns.j.attn.rel_pos_{h,w}, neck.{0,1,2,3}, prompt_encoder.*, mask_decoder.*   Segment
//   Anything's own
// Whatever else a file holds is a leftover. Not safe for several threads at once.
class Checkpoint {
 public:
  // `path`: a folder or file (see weights_of and TensorFile), or a name of the Hugging Face hub
  // that is in its cache; or MODEL+DELTA, one of these and a file of save_delta's, whose tensors
  // take the places of the model's. `key`: see TensorFile. Throws Error naming the file, two
  // tensors that are the same one, and a tensor of the delta that has no place.
  static Checkpoint open(const std::filesystem::path& path, const std::string& key = {});
  // A prefix that stands before all names of the model is taken off.
  static Checkpoint from(TensorFile file);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  // The shape under a canonical name, as it is to be read. Error naming the tensor, as this file's
  // dialect spells it, if it isn't there.
  Shape shape(const std::string& name) const;
  // The number format that it is stored in, as safetensors spell it. Error likewise.
  const std::string& dtype(const std::string& name) const { return tensor(name).dtype; }
  // The values; marks the tensor as used. Error naming tensor, shape found and shape expected.
  // Those of tokens and positions may lack extents of 1, or have them elsewhere (SWAG, CLIP); a
  // matrix is turned where its family's files have it so.
  Array read(const std::string& name, const Shape& expected) const;

  // Checks that a tensor is there and has this shape, as `read` does, without reading it. Of what
  // may lie apart, the parts that the file has, among which only biases may be missing.
  void expect(const std::string& name, const Shape& expected) const;

  // Whether a tensor is there, in its layer or in another one.
  bool in_any_layer(const std::string& name) const;
  // The same of it or of any part that it may be kept in.
  bool has_any(const std::string& name) const;

  // The rows of `name` from where the file keeps them: one tensor, or those of q, k and v, of gate
  // and values. `rows`: of all; `name` is empty for rows of zeros.
  struct Part {
    std::string name;
    int64_t rows = 0;
  };
  std::vector<Part> parts(const std::string& name, int64_t rows) const;

  // Whose names the file's are, its config saying this model_type and architecture, or nothing.
  const Family& family(std::string_view model_type, std::string_view architecture = {}) const;

  // Marks all tensors whose canonical names begin so as used: the model does without them.
  void leave_out(const std::string& beginning) const;

  // Error naming the first tensor that nobody has read or expected, unless it is known to be
  // harmless: those are returned as notes, one line for each kind, behind those of how the file was
  // read.
  std::vector<std::string> check_all_used() const;

  int depth() const;
  // Parallel attention or MLP branches of the first layer.
  int branches() const;
  // The first canonical name that begins so.
  std::optional<std::string> first_under(const std::string& beginning) const;
  // All canonical names that begin so.
  std::vector<std::string> all_under(const std::string& beginning) const;
  // Elements of all tensors that belong to the model, statistics of batch norms left out.
  int64_t parameters() const;
  // Gives back the memory of what was read so far.
  void let_go() const;
  const std::string& file_name() const { return file_.file_name(); }
  const TensorFile& file() const { return file_; }
  // The delta's file, if there is one.
  const TensorFile* delta() const { return delta_ ? &*delta_ : nullptr; }
  // How the file spells, or would spell, a canonical name.
  std::string spelling(const std::string& name) const;

 private:
  void overlay(TensorFile delta);
  void check_place(const TensorView& changed, const std::string& delta_name) const;
  void forget_parts(const std::string& name);
  bool has_qkv_bias() const;  // in any layer
  const TensorView& tensor(const std::string& name) const;
  const std::string& file_of(const std::string& name) const;
  const TensorView& tensor_of_shape(const std::string& name, const Shape& expected) const;

  struct Stored {
    TensorView view;  // under its name in the file
    bool is_changed;  // from the delta
    bool is_transposed = false;
  };

  TensorFile file_;
  std::string wrapper_;  // that was taken off all names
  std::optional<TensorFile> delta_;
  Speller speller_;
  std::map<std::string, Stored> tensors_;  // by canonical name
  mutable std::set<std::string> used_;     // canonical names
};

}  // namespace fovea
