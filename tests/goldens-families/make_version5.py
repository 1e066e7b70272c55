"""Makes *-v5-hf: models of transformers 5 as torch.save(model.state_dict()) and save_original_format=False
write them, under the names that the library has in memory. Random weights, dense answers the library's own.

    pip install torch==2.13.0 numpy safetensors transformers==5.24.0
    python make_version5.py
"""
import json
import pathlib
import re

import numpy as np
import torch
import transformers as T
from safetensors.torch import save_file

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
MLP = {"intermediate_size": 48}
CASES = {
    "vit-v5-hf": (T.ViTForImageClassification, T.ViTConfig(**SHAPE, **MLP, num_labels=5)),
    "deit-v5-hf": (T.DeiTModel, T.DeiTConfig(**SHAPE, **MLP)),
    "msn-v5-hf": (T.ViTMSNModel, T.ViTMSNConfig(**SHAPE, **MLP)),
    "dinov2-swiglu-v5-hf": (T.Dinov2Model, T.Dinov2Config(**SHAPE, use_swiglu_ffn=True)),
    "dinov2-registers-v5-hf": (T.Dinov2WithRegistersModel,
                               T.Dinov2WithRegistersConfig(**SHAPE, num_register_tokens=3)),
    "dinov3-v5-hf": (T.DINOv3ViTModel, T.DINOv3ViTConfig(**SHAPE, **MLP, num_register_tokens=2)),
    "siglip-v5-hf": (T.SiglipVisionModel, T.SiglipVisionConfig(**SHAPE, **MLP)),
    "beit-v5-hf": (T.BeitModel, T.BeitConfig(**SHAPE, **MLP, use_relative_position_bias=True)),
}


def randomise(model):
    for name, values in model.named_parameters():
        is_factor = re.search(r"norm\w*\.weight$|lambda", name)
        values.copy_(torch.randn_like(values) * (0.2 if values.dim() > 1 else 0.3) + (1 if is_factor else 0))


@torch.no_grad()
def answers(model, pixels):
    out = model(pixel_values=pixels, output_hidden_states=True)
    if "logits" in out:
        tokens = model.vit(pixel_values=pixels).last_hidden_state
        return {"tokens": tokens, "features": tokens[:, 0], "logits": out.logits}
    tokens = out.last_hidden_state
    is_pooled = isinstance(model, (T.SiglipVisionModel, T.BeitModel))
    return {"tokens": tokens, "features": out.pooler_output if is_pooled else tokens[:, 0]}


def main():
    torch.manual_seed(0)
    pixels = torch.randn(1, 3, 32, 32)
    for name, (kind, config) in CASES.items():
        model = kind(config).eval()
        with torch.no_grad():
            randomise(model)
        found = answers(model, pixels)
        batch, tokens, _ = found["tokens"].shape
        found["sizes"] = torch.ones(batch, tokens)
        found["source"] = torch.arange(tokens, dtype=torch.int32).repeat(batch, 1)
        folder = pathlib.Path(__file__).parent / name
        folder.mkdir(exist_ok=True)
        config.architectures = [kind.__name__]
        (folder / "config.json").write_text(config.to_json_string())
        run = {"r": 0, "prop_attn": True, "metric": "k", "distance": "cosine", "merge": "weighted", "tokens_left": tokens,
               "library": f"torch {torch.__version__}, transformers {T.__version__}"}
        (folder / "runs.json").write_text(json.dumps({"dense": run}, indent=1) + "\n")
        np.save(folder / "input.npy", pixels.numpy())
        save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()}, folder / "model.safetensors",
                  metadata={"format": "pt"})
        save_file({k: v.contiguous().clone() for k, v in found.items()}, folder / "dense.safetensors")


if __name__ == "__main__":
    main()
