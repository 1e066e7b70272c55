// Segment Anything: its own files, whose image encoder has timm's names but for a few, and
// transformers'.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"sam", "blocks.{i}.mlp.lin1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"sam", "blocks.{i}.mlp.lin2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"sam", "neck.0.*", "neck.0.*"},
    {"sam", "neck.1.*", "neck.1.*"},
    {"sam", "neck.2.*", "neck.2.*"},
    {"sam", "neck.3.*", "neck.3.*"},
    {"sam_transformers", "patch_embed.projection.*", "patch_embed.proj.*"},
    {"sam_transformers", "layers.{i}.layer_norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"sam_transformers", "layers.{i}.attn.*", "blocks.{i}.attns.0.attn.*"},
    {"sam_transformers", "layers.{i}.layer_norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"sam_transformers", "layers.{i}.mlp.lin1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"sam_transformers", "layers.{i}.mlp.lin2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"sam_transformers", "neck.conv1.*", "neck.0.*"},
    {"sam_transformers", "neck.layer_norm1.*", "neck.1.*"},
    {"sam_transformers", "neck.conv2.*", "neck.2.*"},
    {"sam_transformers", "neck.layer_norm2.*", "neck.3.*"},

    {"sam_prompts", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
     "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"sam_prompts", "prompt_encoder.point_embeddings.{i}.weight",
     "prompt_encoder.point_embeddings.{i}.weight"},
    {"sam_prompts", "prompt_encoder.mask_downscaling.*", "prompt_encoder.mask_downscaling.*"},
    {"sam_prompts_transformers", "shared_image_embedding.positional_embedding",
     "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"sam_prompts_transformers", "prompt_encoder.point_embed.{i}.weight",
     "prompt_encoder.point_embeddings.{i}.weight"},
    {"sam_prompts_transformers", "prompt_encoder.mask_embed.conv1.*",
     "prompt_encoder.mask_downscaling.0.*"},
    {"sam_prompts_transformers", "prompt_encoder.mask_embed.layer_norm1.*",
     "prompt_encoder.mask_downscaling.1.*"},
    {"sam_prompts_transformers", "prompt_encoder.mask_embed.conv2.*",
     "prompt_encoder.mask_downscaling.3.*"},
    {"sam_prompts_transformers", "prompt_encoder.mask_embed.layer_norm2.*",
     "prompt_encoder.mask_downscaling.4.*"},
    {"sam_prompts_transformers", "prompt_encoder.mask_embed.conv3.*",
     "prompt_encoder.mask_downscaling.6.*"},
    // The same in both, as what follows and says so.
    {"sam_both", "prompt_encoder.not_a_point_embed.weight",
     "prompt_encoder.not_a_point_embed.weight"},
    {"sam_both", "prompt_encoder.no_mask_embed.weight", "prompt_encoder.no_mask_embed.weight"},

    {"sam_both", "mask_decoder.iou_token.weight", "mask_decoder.iou_token.weight"},
    {"sam_both", "mask_decoder.mask_tokens.weight", "mask_decoder.mask_tokens.weight"},
    {"sam_both", "mask_decoder.transformer.layers.{i}.self_attn.*",
     "mask_decoder.transformer.layers.{i}.self_attn.*"},
    {"sam_both", "mask_decoder.transformer.layers.{i}.cross_attn_token_to_image.*",
     "mask_decoder.transformer.layers.{i}.cross_attn_token_to_image.*"},
    {"sam_both", "mask_decoder.transformer.layers.{i}.cross_attn_image_to_token.*",
     "mask_decoder.transformer.layers.{i}.cross_attn_image_to_token.*"},
    {"sam_both", "mask_decoder.transformer.layers.{i}.mlp.*",
     "mask_decoder.transformer.layers.{i}.mlp.*"},
    {"sam_both", "mask_decoder.transformer.final_attn_token_to_image.*",
     "mask_decoder.transformer.final_attn_token_to_image.*"},
    // The middle one of transformers' three layers is numbered as here before (see Checkpoint).
    {"sam_both", "mask_decoder.output_hypernetworks_mlps.{i}.layers.1.*",
     "mask_decoder.output_hypernetworks_mlps.{i}.layers.1.*"},
    {"sam_both", "mask_decoder.iou_prediction_head.layers.1.*",
     "mask_decoder.iou_prediction_head.layers.1.*"},
    {"sam_masks", "mask_decoder.transformer.layers.{i}.norm{k}.*",
     "mask_decoder.transformer.layers.{i}.norm{k}.*"},
    {"sam_masks", "mask_decoder.transformer.norm_final_attn.*",
     "mask_decoder.transformer.norm_final_attn.*"},
    {"sam_masks", "mask_decoder.output_upscaling.*", "mask_decoder.output_upscaling.*"},
    {"sam_masks", "mask_decoder.output_hypernetworks_mlps.{i}.layers.{j}.*",
     "mask_decoder.output_hypernetworks_mlps.{i}.layers.{j}.*"},
    {"sam_masks", "mask_decoder.iou_prediction_head.layers.{i}.*",
     "mask_decoder.iou_prediction_head.layers.{i}.*"},
    {"sam_masks_transformers", "mask_decoder.transformer.layers.{i}.layer_norm{k}.*",
     "mask_decoder.transformer.layers.{i}.norm{k}.*"},
    {"sam_masks_transformers", "mask_decoder.transformer.layer_norm_final_attn.*",
     "mask_decoder.transformer.norm_final_attn.*"},
    {"sam_masks_transformers", "mask_decoder.upscale_conv1.*", "mask_decoder.output_upscaling.0.*"},
    {"sam_masks_transformers", "mask_decoder.upscale_layer_norm.*",
     "mask_decoder.output_upscaling.1.*"},
    {"sam_masks_transformers", "mask_decoder.upscale_conv2.*", "mask_decoder.output_upscaling.3.*"},
    {"sam_masks_transformers", "mask_decoder.output_hypernetworks_mlps.{i}.proj_in.*",
     "mask_decoder.output_hypernetworks_mlps.{i}.layers.0.*"},
    {"sam_masks_transformers", "mask_decoder.output_hypernetworks_mlps.{i}.proj_out.*",
     "mask_decoder.output_hypernetworks_mlps.{i}.layers.2.*"},
    {"sam_masks_transformers", "mask_decoder.iou_prediction_head.proj_in.*",
     "mask_decoder.iou_prediction_head.layers.0.*"},
    {"sam_masks_transformers", "mask_decoder.iou_prediction_head.proj_out.*",
     "mask_decoder.iou_prediction_head.layers.2.*"},
};

constexpr std::string_view kTypes[] = {"sam", "sam_vision_model"};

constexpr std::string_view kMarks[] = {"rel_pos_h", "rel_pos_w", "mask_decoder.",
                                       "prompt_encoder."};

constexpr std::string_view kWrappers[] = {"sam.", "image_encoder.", "vision_encoder."};

constexpr Kind kHarmless[] = {
    {"prompt_encoder.shared_embedding.", "the frequencies of positions a second time"}};

Traits traits(const Config& /*config*/) { return {.eps = 1e-6}; }

}  // namespace

extern const Family kSam = {"Segment Anything", kTypes,    kMarks, kRules,
                            kWrappers,          kHarmless, traits};

}  // namespace fovea
