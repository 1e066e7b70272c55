// A checkpoint of any dialect, seen under canonical names: timm's, with one spelling for branches.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/io/tensor_file.h"
#include "fovea/model/names.h"

namespace fovea {

// Canonical names (j counts branches, 0 where there is one):
//   cls_token, dist_token, reg_token, pos_embed, norm.{weight,bias}, fc_norm.{weight,bias},
//   head.{weight,bias}, head_dist.{weight,bias},
//   patch_embed.proj.{weight,bias}            linear stem
//   patch_embed.proj.{0,1,3,4,..}.*           hMLP and convolutional stem
//   blocks.i.attns.j.{norm,attn.qkv,attn.proj}.{weight,bias}, blocks.i.attns.j.ls.gamma
//   blocks.i.attns.j.attn.{q,k,v}.{weight,bias}   where the file keeps them apart
//   blocks.i.ffns.j.{norm,mlp.fc1,mlp.fc2}.{weight,bias}, blocks.i.ffns.j.ls.gamma
//   blocks.i.{alpha_attn,alpha_mlp,gamma}, predictors.i.{weight,bias}   big.LITTLE ViTs
//   blocks.i.little.{norm1,attn.qkv,attn.proj,norm2,mlp.down,mlp.fc1,mlp.fc2,mlp.up}.{weight,bias}
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
  // The shape under a canonical name. Error naming the tensor, as this file's dialect spells it, if
  // it isn't there.
  const Shape& shape(const std::string& name) const;
  // The values; marks the tensor as used. Error naming tensor, shape found and shape expected. A
  // position embedding's first two extents may be the other way round (SWAG).
  Array read(const std::string& name, const Shape& expected) const;

  // Checks that a tensor is there and has this shape, as `read` does, without reading it. For an
  // attn.qkv, the parts that the file has; their biases may be missing, but then in all layers.
  void expect(const std::string& name, const Shape& expected) const;

  // The canonical names that hold the rows of `name`, in their order: those of q, k and v for an
  // attn.qkv where the file keeps them apart, else the name itself.
  std::vector<std::string> parts(const std::string& name) const;

  // Error naming a tensor that belongs to something that we do not compute (SwiGLU, rotary
  // positions, ...).
  void check_supported() const;
  // Error naming the first tensor that nobody has read or expected, unless it is known to be
  // harmless: those are returned as notes, one line for each kind, behind those of how the file was
  // read.
  std::vector<std::string> check_all_used() const;

  int depth() const;
  // Parallel attention or MLP branches of the first layer.
  int branches() const;
  // The first canonical name that begins so.
  std::optional<std::string> first_under(const std::string& beginning) const;
  // Elements of all tensors that belong to the model, statistics of batch norms left out.
  int64_t parameters() const;
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
  };

  TensorFile file_;
  std::string wrapper_;  // that was taken off all names
  std::optional<TensorFile> delta_;
  Speller speller_;
  bool separate_qkv_ = false;              // in any layer
  std::map<std::string, Stored> tensors_;  // by canonical name
  mutable std::set<std::string> used_;     // canonical names
};

}  // namespace fovea
