// Weights of the CPU backend: packed once for the instruction set they run at.
#include <algorithm>
#include <utility>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// The mean over heads of one part's rows of the joint weights: [C' / heads, C].
Array mean_weight(const Array& joint, size_t part, int heads) {
  const int64_t channels = joint.shape[1];
  const int64_t outputs = joint.shape[0] / 3;
  const int64_t width = outputs / heads;
  Array mean({width, channels});
  const float* rows = joint.data.data() + static_cast<int64_t>(part) * outputs * channels;
  for (int64_t i = 0; i < outputs; ++i) {
    float* out = mean.data.data() + i % width * channels;
    for (int64_t c = 0; c < channels; ++c) {
      out[c] += rows[i * channels + c] / static_cast<float>(heads);
    }
  }
  return mean;
}

using RowPointers = std::vector<const float*>;

// Rows [begin, end) of a weight.
void add_rows(const Array& weight, int64_t begin, int64_t end, RowPointers& rows) {
  const int64_t in = elements(weight.shape) / weight.shape.at(0);
  for (int64_t i = begin; i < end; ++i) rows.push_back(weight.data.data() + i * in);
}

std::vector<float> bias_of(const Weight& bias, int64_t out) {
  return bias.values.empty() ? std::vector<float>(out) : bias.values.data;
}

// Whether rows follow each other.
bool are_consecutive(std::span<const float* const> rows, int64_t in) {
  if (rows[0] == nullptr) return false;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i] != rows[0] + static_cast<int64_t>(i) * in) return false;
  }
  return true;
}

// Outputs [begin, end) of a layer, which begin with a panel of their own.
CpuLinear part_of(const CpuLinear& linear, int64_t begin, int64_t end, int64_t panel_floats,
                  int64_t panel_width) {
  CpuLinear part = linear;
  part.out = end - begin;
  part.panels = {linear.panels, linear.panels.get() + begin / panel_width * panel_floats};
  part.bias = {linear.bias.begin() + begin, linear.bias.begin() + end};
  return part;
}

}  // namespace

CpuLinear Cpu::pack(std::span<const float* const> rows, int64_t in, std::vector<float> bias,
                    Dtype dtype) {
  CpuLinear linear;
  linear.out = static_cast<int64_t>(rows.size());
  linear.in = in;
  linear.dtype = dtype;
  linear.bias = std::move(bias);
  const kernels::Product& product = kernels_.product(dtype);
  linear.panels = allocate_floats(product.packed_bytes(linear.out, in) / 4 + 1);
  const int64_t panel_bytes = product.packed_bytes(kernels_.panel_width, in);
  for_ranges(kernels::panel_count(kernels_, linear.out), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> copied;
    for (int64_t p = begin; p < end; ++p) {
      const int64_t first = p * kernels_.panel_width;
      const auto of_panel = rows.subspan(first, std::min(kernels_.panel_width, linear.out - first));
      const float* from = of_panel[0];
      if (!are_consecutive(of_panel, in)) {
        copied.assign(of_panel.size() * in, 0.0F);
        for (size_t i = 0; i < of_panel.size(); ++i) {
          if (of_panel[i] != nullptr) {
            std::copy_n(of_panel[i], in, copied.data() + static_cast<int64_t>(i) * in);
          }
        }
        from = copied.data();
      }
      product.pack_panels(from, in, static_cast<int64_t>(of_panel.size()), in, 0, 1,
                          reinterpret_cast<char*>(linear.panels.get()) + p * panel_bytes);
    }
  });
  return linear;
}

CpuLinear Cpu::pack(const Array& weight, const Array& bias, Dtype dtype) {
  const int64_t out = weight.shape.at(0);
  RowPointers rows;
  add_rows(weight, 0, out, rows);
  return pack(rows, elements(weight.shape) / out, bias_of({bias}, out), dtype);
}

CpuLinear Cpu::make_linear(const Weight& weight, const Weight& bias) {
  return pack(weight.values, bias.values, dtype_);
}

CpuLinear Cpu::make_exact_linear(const Weight& weight, const Weight& bias) {
  return pack(weight.values, bias.values, Dtype::f32);
}

CpuLinear Cpu::make_gated_linear(const Weight& weight, const Weight& bias) {
  const int64_t out = weight.values.shape.at(0) / 2;
  const int64_t lanes = kernels_.lanes;
  RowPointers rows;
  for (int64_t first = 0; first < out; first += lanes) {
    const int64_t end = std::min(out, first + lanes);
    for (const int64_t part : {int64_t{0}, out}) {
      add_rows(weight.values, part + first, part + end, rows);
      rows.resize(rows.size() + lanes - (end - first));
    }
  }
  const int64_t in = elements(weight.values.shape) / (2 * out);
  CpuLinear linear = pack(rows, in, bias_of(bias, 2 * out), dtype_);
  linear.out = out;
  linear.is_gated = true;
  return linear;
}

CpuQkv Cpu::make_qkv(const Weight& weight, const Weight& bias, int heads) {
  const int64_t in = weight.values.shape.at(1);
  const int64_t panel = kernels_.panel_width;
  CpuQkv qkv;
  qkv.width = weight.values.shape.at(0) / 3;
  const int64_t padded = (qkv.width + panel - 1) / panel * panel;
  RowPointers rows;
  std::vector<float> biases(3 * padded);
  for (int64_t part = 0; part < 3; ++part) {
    add_rows(weight.values, part * qkv.width, (part + 1) * qkv.width, rows);
    rows.resize((part + 1) * padded);
    if (bias.values.empty()) continue;
    std::copy_n(bias.values.data.data() + part * qkv.width, qkv.width,
                biases.data() + part * padded);
  }
  qkv.joint = pack(rows, in, std::move(biases), dtype_);
  const int64_t panel_floats = kernels_.product(dtype_).packed_bytes(panel, in) / 4;
  qkv.q = part_of(qkv.joint, 0, padded, panel_floats, panel);
  qkv.kv = part_of(qkv.joint, padded, 3 * padded, panel_floats, panel);
  if (product_of(qkv.joint).rounds()) qkv.mean = mean_weights(weight.values, heads);
  return qkv;
}

std::array<CpuLinear, 3> Cpu::mean_weights(const Array& joint, int heads) {
  std::array<Linear, 3> mean;
  for (size_t part = 0; part < mean.size(); ++part) {
    mean[part] = make_linear({mean_weight(joint, part, heads)}, {});
  }
  return mean;
}

CpuNorm Cpu::make_norm(Weight gamma, Weight beta, double eps) {
  const size_t channels = gamma.values.data.size();
  return {std::move(gamma.values.data),
          beta.values.empty() ? std::vector<float>(channels) : std::move(beta.values.data),
          static_cast<float>(eps)};
}

CpuNorm Cpu::make_rms_norm(Weight gamma, double eps) {
  return {std::move(gamma.values.data), {}, static_cast<float>(eps)};
}

CpuNorm Cpu::make_fixed_norm(int64_t channels, double eps) {
  return {std::vector<float>(channels, 1.0F), std::vector<float>(channels),
          static_cast<float>(eps)};
}

CpuRelative Cpu::make_relative(const Weight& weight, const Grid& grid) {
  const int64_t entries = weight.values.shape.at(0);
  const int64_t heads = weight.values.shape.at(1);
  CpuRelative relative{grid, Array({heads, entries})};
  for (int64_t i = 0; i < entries * heads; ++i) {
    relative.table.data[i % heads * entries + i / heads] = weight.values.data[i];
  }
  return relative;
}

Cpu::Vector Cpu::make_vector(Weight values) { return std::move(values.values.data); }
Cpu::Rows Cpu::make_rows(Weight rows) { return std::move(rows.values); }

}  // namespace fovea
