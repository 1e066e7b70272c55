// The table of a recipe's keys.
#include "fovea/train/recipe.h"

namespace fovea {
namespace {

constexpr double kBig = 1e9;

std::vector<RecipeField> model_fields(Recipe& r) {
  return {
      {"model", &r.model, "start from this model: a folder or a file; else a new one is made"},
      {"num_heads", &r.num_heads,
       "attention heads of that model, or else of the teacher, where nothing tells; 0: they do", 0,
       1024},
      {"key", &r.key,
       "of its .pth file, or else of the teacher's: the nested dict to read, as model or a.b"},
      {"width", &r.width, "of a new model: channels of a token", 1, kBig},
      {"depth", &r.depth, "of a new model: layers", 1, 1000},
      {"heads", &r.heads, "of a new model: attention heads", 1, kBig},
      {"mlp_ratio", &r.mlp_ratio, "of a new model: hidden channels of an MLP by width", 0.1, 100},
      {"branches", &r.branches, "of a new model: parallel branches of a layer", 1, 16},
      {"img_size", &r.img_size, "side of the input, in pixels; 0: 224, or the model's", 0, 10000},
      {"patch_size", &r.patch_size, "of a new model: side of a patch, in pixels", 1, 1000},
      {"stem", &r.stem, "of a new model: what embeds patches", 0, 0, {"linear", "hmlp", "conv"}},
      {"stem_widths", &r.stem_widths, "of a new conv stem: channels of each 3x3 convolution", 1,
       kBig},
      {"class_token", &r.class_token, "of a new model: whether it has a class token"},
      {"distillation_token", &r.distillation_token, "of a new model: DeiT's second token"},
      {"global_pool", &r.global_pool, "of a new model: what the head sees", 0, 0, {"token", "avg"}},
      {"layer_scale", &r.layer_scale, "of a new model: LayerScale's first value; 0: none", 0, 10},
      {"drop_path", &r.drop_path, "how often the last layer's branches are left out", 0, 0.99},
      {"tune",
       &r.tune,
       "which weights are trained; attention: q, k, v and projection, and a new head",
       0,
       0,
       {"all", "attention", "mlp", "head"}},
  };
}

std::vector<RecipeField> medium_fields(Recipe& r) {
  return {
      {"medium",
       &r.medium,
       "of a new model: what comes in; video: as VideoMAE; sound: as AST, or as AudioMAE where "
       "global_pool is avg",
       0,
       0,
       {"picture", "video", "sound"}},
      {"num_frames", &r.num_frames,
       "of a new model: frames of a clip or a spectrogram; 0: 16 or 1024", 0, 1 << 16},
      {"tubelet_size", &r.tubelet_size, "of a new model of videos: frames of a tube", 1, 1024},
      {"mel_bins", &r.mel_bins, "of a new model of sound: mel bins", 1, 1024},
      {"stride", &r.stride,
       "of a new model of sound: from patch to patch; 0: patches lie side by side", 0, 1000},
      {"sample_rate", &r.sample_rate, "of a new model of sound: samples a second", 1000, 192000},
      {"sound_mean", &r.sound_mean, "of a new model of sound: subtracted from log mel values", -100,
       100},
      {"sound_std", &r.sound_std,
       "of a new model of sound: half of what they are divided by; 0: both are measured", 0, 100},
  };
}

std::vector<RecipeField> segment_fields(Recipe& r) {
  return {
      {"window", &r.window, "of a new Segment Anything: patches along a window's side", 1, kBig},
      {"global_every", &r.global_every, "each such layer of it sees the whole picture", 1, 1000},
      {"neck", &r.neck, "channels of its embedding and its decoder: a multiple of 16", 16, kBig},
      {"masks_per_image", &r.masks_per_image, "of segment: masks of a picture, at most", 1, 1e6},
      {"corrections", &r.corrections, "of segment: points after the first prompt of a mask", 0,
       1000},
      {"grouping", &r.grouping,
       "of segment: weight of the loss that makes embeddings of one mask alike", 0, kBig},
      {"grouping_masks", &r.grouping_masks, "of segment: masks of a picture for that loss, at most",
       1, 1e6},
      {"least_area", &r.least_area, "of segment: pixels that a mask has at least", 0, kBig},
  };
}

std::vector<RecipeField> routing_fields(Recipe& r) {
  return {
      {"big_little", &r.big_little,
       "make the model a big.LITTLE ViT; it starts from the teacher where no model is given"},
      {"keep_ratio", &r.keep_ratio,
       "of a big.LITTLE ViT: share of patches that take the big path; 0: 0.25, or the model's", 0,
       1},
      {"predict_after", &r.predict_after,
       "layers, from 1, after which they are chosen; default: 1, 4, 7, ...", 1, 1000},
      {"little_width", &r.little_width, "channels of LITTLE blocks; 0: a quarter of the model's", 0,
       kBig},
      {"little_heads", &r.little_heads, "their heads; 0: one for 64 channels", 0, 1024},
      {"little_every", &r.little_every,
       "routed layers from one LITTLE block to the next; 0: no LITTLE blocks", 0, 1000},
      {"learned_routing", &r.learned_routing,
       "false: evenly spread patches take the big path, to compare with"},
      {"cross_attention", &r.cross_attention,
       "false: big attention sees selected tokens alone, to compare with"},
  };
}

std::vector<RecipeField> data_fields(Recipe& r) {
  return {
      {"data", &r.data, "a folder, or a zip file, with a folder of files for each class"},
      {"train_split", &r.train_split, "folder in data to train on; empty: data itself"},
      {"val_split", &r.val_split, "folder in data to evaluate on; empty: nothing"},
      {"mean", &r.mean, "of a new model: subtracted from colours of 0 to 1", -10, 10},
      {"std", &r.std, "of a new model: what they are divided by", 1e-6, 10},
      {"interpolation",
       &r.interpolation,
       "of a new model's evaluation",
       0,
       0,
       {"bicubic", "bilinear"}},
      {"crop_pct", &r.crop_pct, "of a new model's evaluation: share of the side", 0.01, 1},
      {"crop", &r.crop, "of training", 0, 0, {"resized", "padded", "centre"}},
      {"scale", &r.scale, "of crop resized: least and most share of the area", 0.001, 1},
      {"ratio", &r.ratio, "of crop resized: least and most width by height", 0.01, 100},
      {"padding", &r.padding, "of crop padded: width of the frame, in pixels", 0, 1000},
      {"hflip", &r.hflip, "how often pictures are mirrored", 0, 1},
      {"rand_augment", &r.rand_augment, "RandAugment: changes of a picture; 0: none", 0, 20},
      {"rand_augment_magnitude", &r.rand_augment_magnitude, "how strong they are", 0, 10},
      {"reprob", &r.reprob, "how often a box is erased", 0, 1},
      {"frame_stride", &r.frame_stride,
       "of videos: places from one frame of a clip to the next; 0: 4, or the model's", 0, 1e6},
      {"gain", &r.gain, "of sound: up to so many decibels louder or softer", 0, 100},
      {"shift", &r.shift, "of sound: up to so many frames later or earlier, rolled", 0, 1 << 16},
      {"time_mask", &r.time_mask, "of sound, SpecAugment: up to so many frames are masked", 0,
       1 << 16},
      {"freq_mask", &r.freq_mask, "of sound, SpecAugment: up to so many mel bins are masked", 0,
       1024},
      {"mixup", &r.mixup, "Mixup's alpha; 0: none", 0, 100},
      {"cutmix", &r.cutmix, "CutMix's alpha; 0: none", 0, 100},
      {"mixup_prob", &r.mixup_prob, "how often a batch is mixed", 0, 1},
      {"mixup_switch_prob", &r.mixup_switch_prob, "how often by CutMix where both are on", 0, 1},
      {"smoothing", &r.smoothing, "label smoothing", 0, 0.99},
  };
}

std::vector<RecipeField> step_fields(Recipe& r) {
  return {
      {"epochs", &r.epochs, "times that every picture is seen", 1e-6, 1e6},
      {"batch_size", &r.batch_size, "pictures of a step, over all processes", 1, 1e6},
      {"lr", &r.lr, "highest learning rate of AdamW", 0, 100},
      {"min_lr", &r.min_lr, "learning rate at the end of the cosine", 0, 100},
      {"warmup_epochs", &r.warmup_epochs, "over which the learning rate rises", 0, 1e6},
      {"weight_decay", &r.weight_decay, "of matrices; not of norms, biases, tokens", 0, 10},
      {"betas", &r.betas, "AdamW's", 0, 0.999999},
      {"layer_decay", &r.layer_decay, "learning rate of a layer by that of the next", 0.01, 1},
      {"clip_grad", &r.clip_grad, "largest norm of the gradient; 0: any", 0, kBig},
      {"model_ema", &r.model_ema, "decay of the mean of weights that is kept; 0: none", 0,
       0.999999},
      {"amp",
       &r.amp,
       "multiply in bf16, the teacher too; auto (default): where the processor does",
       0,
       0,
       {"auto", "true", "false"}},
      {"merge", &r.merge,
       R"(while training: a number of tokens a layer, a share ("8%") or {"r": 4, ...})"},
      {"eval_merge", &r.eval_merge, "while evaluating: likewise"},
  };
}

std::vector<RecipeField> objective_fields(Recipe& r) {
  return {
      {"objective",
       &r.objective,
       "what is learnt; mae: to paint masked patches, without labels; segment: Segment Anything, "
       "from pictures with masks",
       0,
       0,
       {"classes", "mae", "segment"}},
      {"mask_ratio", &r.mask_ratio, "of mae: share of the patches that are masked", 0, 1},
      {"decoder_width", &r.decoder_width, "of mae's decoder, which is thrown away", 4, kBig},
      {"decoder_depth", &r.decoder_depth, "its layers", 1, 1000},
      {"decoder_heads", &r.decoder_heads, "its heads", 1, 1024},
      {"norm_pix_loss", &r.norm_pix_loss, "pixels count relative to their patch's mean"},
  };
}

std::vector<RecipeField> teacher_fields(Recipe& r) {
  return {
      {"teacher", &r.teacher, "a model to learn from"},
      {"distillation", &r.distillation, "how", 0, 0, {"none", "soft", "hard", "feature"}},
      {"distillation_alpha", &r.distillation_alpha, "the teacher's share of the loss", 0, 1},
      {"distillation_tau", &r.distillation_tau, "temperature of soft distillation", 0.01, 100},
      {"feature_weight", &r.feature_weight, "weight of 1 - cosine to its features", 0, 1000},
  };
}

std::vector<RecipeField> run_fields(Recipe& r) {
  return {
      {"output", &r.output, "folder for model, checkpoint and log"},
      {"delta", &r.delta, "write only what differs from model: delta.safetensors in output"},
      {"seed", &r.seed, "of all that is random", 0, 2e9},
      {"workers", &r.workers, "threads that prepare pictures", 1, 1024},
      {"device", &r.device, "cpu, cuda or cuda:N"},
      {"val_every", &r.val_every, "epochs between evaluations; 0: at the end", 0, 1e6},
      {"checkpoint_minutes", &r.checkpoint_minutes, "between checkpoints", 0, 1e6},
      {"log_every", &r.log_every, "steps between lines of the log", 1, kBig},
  };
}

}  // namespace

std::vector<RecipeField> recipe_fields(Recipe& recipe) {
  std::vector<RecipeField> all;
  for (auto* const part :
       {&model_fields, &medium_fields, &segment_fields, &routing_fields, &data_fields, &step_fields,
        &objective_fields, &teacher_fields, &run_fields}) {
    for (RecipeField& field : part(recipe)) all.push_back(std::move(field));
  }
  return all;
}

}  // namespace fovea
