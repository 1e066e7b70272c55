"""Makes vit-post-norm-timm and eva-post-norm-timm: timm's blocks with norms behind, random weights in F16.

    pip install torch==2.13.0 numpy safetensors huggingface_hub pyyaml pillow; pip install --no-deps timm==1.0.31
    python make_post_norm.py
"""
import json
import pathlib
import sys
from unittest import mock

import numpy as np
import torch

try:
    import torchvision  # noqa: F401
except Exception:  # timm's models need nothing of it
    for name in ("", ".transforms", ".transforms.functional", ".datasets", ".datasets.folder", ".ops",
                 ".ops.misc", ".models", ".models.feature_extraction", ".transforms.v2"):
        sys.modules["torchvision" + name] = mock.MagicMock()
import timm
from safetensors.torch import save_file

SIDE, DEPTH = 48, 3
RUNS = {"dense": 0, "r6": 6, "r8_0_5": [8, 0, 5]}
ARGS = {"img_size": SIDE, "patch_size": 8, "embed_dim": 48, "depth": DEPTH, "num_heads": 3, "mlp_ratio": 1.25,
        "num_classes": 10}


def attend(attn, x, sizes):
    """Attention with log sizes, as timm computes it without; also the mean of the keys over heads."""
    b, n, c = x.shape
    bias = attn.qkv.bias
    if getattr(attn, "q_bias", None) is not None:
        bias = torch.cat((attn.q_bias, torch.zeros_like(attn.q_bias), attn.v_bias))
    qkv = torch.nn.functional.linear(x, attn.qkv.weight, bias)
    q, k, v = qkv.reshape(b, n, 3, attn.num_heads, -1).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(2, 3) * q.shape[3] ** -0.5 + sizes.log()[:, None, None, :]
    return attn.proj((scores.softmax(3) @ v).transpose(1, 2).reshape(b, n, c)), k.mean(1)


def merge(x, sizes, source, metric, r, prefix):
    """Bipartite soft matching of one image, [n, c]; the r strongest edges merge, weighted by size."""
    n = len(x)
    r = min(r, (n - prefix) // 2)
    if r == 0:
        return x, sizes, source
    metric = metric / metric.norm(dim=1, keepdim=True)
    # The prefix token is an A token that keeps its edge to itself.
    a, b = torch.arange(0, n, 2), torch.arange(1, n, 2)
    scores = metric[a] @ metric[b].T
    if prefix:
        scores[0] = -torch.inf
    best, target = scores.max(1)
    order = best.argsort(descending=True, stable=True)
    gone, stay = order[:r], order[r:]
    if prefix:
        stay = stay.sort().values
    rows = torch.cat((a[stay], b))
    place = {int(row): i for i, row in enumerate(rows)}
    for edge in gone:
        place[int(a[edge])] = place[int(b[target[edge]])]
    index = torch.tensor([place[i] for i in range(n)])
    total = torch.zeros(len(rows)).index_add(0, index, sizes)
    merged = torch.zeros(len(rows), x.shape[1]).index_add(0, index, x * sizes[:, None])
    return merged / total[:, None], total, index[source]


def run(model, pixels, r):
    per_layer = r if isinstance(r, list) else [r] * DEPTH
    prefix = model.num_prefix_tokens
    x = model.patch_embed(pixels)
    x = model._pos_embed(x)
    x = x[0] if isinstance(x, tuple) else x
    sizes = torch.ones(x.shape[:2])
    source = torch.arange(x.shape[1]).repeat(len(x), 1)
    for block, count in zip(model.blocks, per_layer):
        attended, keys = attend(block.attn, x, sizes)
        x = x + block.norm1(attended)
        merged = [merge(*each, count, prefix) for each in zip(x, sizes, source, keys)]
        x, sizes, source = (torch.stack(parts) for parts in zip(*merged))
        x = x + block.norm2(block.mlp(x))
    x = model.norm(x)
    if model.global_pool == "avg":
        weights = sizes[:, prefix:, None]
        features = model.fc_norm((x[:, prefix:] * weights).sum(1) / weights.sum(1))
    else:
        features = model.fc_norm(x[:, 0])
    out = {"tokens": x, "features": features, "logits": model.head(features), "sizes": sizes,
           "source": source.to(torch.int32)}
    if not any(per_layer):  # the library's own answers
        out["tokens"] = model.forward_features(pixels)
        out["features"] = model.forward_head(out["tokens"], pre_logits=True)
        out["logits"] = model(pixels)
        torch.testing.assert_close(out["tokens"], x, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(out["features"], features, rtol=1e-5, atol=1e-5)
    return {name: value.clone().contiguous() for name, value in out.items()}


@torch.no_grad()
def make(case, architecture, family, pooled):
    torch.manual_seed(7)
    model = timm.create_model(architecture, **ARGS).eval()
    for name, value in model.named_parameters():
        spread = 0.3 if "norm" in name or value.ndim < 2 else 0.15
        value.copy_((torch.randn_like(value) * spread + (1 if "norm" in name and "weight" in name else 0)).half())
    folder = pathlib.Path(__file__).parent / case
    folder.mkdir(exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
    config = {"architecture": architecture, "num_classes": 10, "num_features": 48,
              "global_pool": model.global_pool, "model_args": ARGS,
              "pretrained_cfg": {"input_size": [3, SIDE, SIDE], "mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    pixels = torch.randn(1, 3, SIDE, SIDE)
    np.save(folder / "input.npy", pixels.numpy())
    told = {}
    for name, r in RUNS.items():
        out = run(model, pixels, r)
        save_file(out, folder / f"{name}.safetensors")
        told[name] = {"r": r, "prop_attn": True, "metric": "k", "distance": "cosine", "merge": "weighted",
                      "tokens_left": out["tokens"].shape[1], "family": family,
                      "library": f"torch {torch.__version__.split('+')[0]}, timm {timm.__version__}",
                      "tokens_are": "forward_features (after norm, where the model has one)",
                      "features_are": f"{pooled} (forward_head, pre_logits)", "logits_are": "head"}
    (folder / "runs.json").write_text(json.dumps(told, indent=1) + "\n")


make("vit-post-norm-timm", "vit_base_patch16_rpn_224", "timm ViT", "mean of the patch tokens, fc_norm")
make("eva-post-norm-timm", "eva02_enormous_patch14_clip_224", "EVA", "class token")
