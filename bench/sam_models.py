"""Segment Anything's image encoders for bench/peers.py: transformers' SamVisionEncoder on random weights."""
import torch, torch.nn as nn

SIZES = {'sam_vit_b': (768, 12, 12, 3), 'sam_vit_l': (1024, 24, 16, 6), 'sam_vit_h': (1280, 32, 16, 8)}  # width, depth, heads, every how manyth layer is over all
SIDE = 1024

class Encoder(nn.Module):
    def __init__(s, name):
        super().__init__(); from transformers import SamVisionConfig, SamVisionModel
        width, depth, heads, every = SIZES[name]
        config = SamVisionConfig(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, mlp_dim=4 * width, image_size=SIDE, window_size=14, global_attn_indexes=list(range(every - 1, depth, every)))
        s.model = SamVisionModel(config).eval()
    def forward(s, x): return s.model(x).last_hidden_state

def gflops(name):
    """What Fovea counts: products of real patches alone, and one key for all that pads a window."""
    width, depth, heads, every = SIZES[name]; n = 64 * 64; d = width // heads; total = n * 3 * 16 * 16 * width + n * 256 * width + n * 256 * 256 * 9
    windows = [(14 if i < 4 else 8) * (14 if j < 4 else 8) for i in range(5) for j in range(5)]
    pairs = sum(w * (w + (w < 196)) for w in windows)
    for layer in range(depth):
        over_all = layer % every == every - 1
        total += 12 * width * width * n + 2 * width * (n * n if over_all else pairs) + n * width * (128 if over_all else 28)
    return 2 * total / 1e9
