#!/usr/bin/env python3
"""A training step of Fovea beside the same model in PyTorch, on this machine and in one run.

    scripts/setup train && build/venv/bin/pip install pillow numpy
    build/venv/bin/python bench/compare_training.py build/train/fovea [--dtype f32,bf16] [--r 0,13]

Each row gives images per second of forward pass, loss, backward pass and AdamW: the best of windows of a few steps on
both sides, one JSON object a line. Fovea's also reads and augments pictures, PyTorch's has random tensors at hand and
merges nothing. Let nothing else run meanwhile.
"""
import argparse, csv, json, os, subprocess, sys, tempfile, time
import numpy as np, torch
from PIL import Image
from torch import nn

class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__(); self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, c))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))

class ViT(nn.Module):
    def __init__(self, width, depth, heads, patch, size, classes):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch); self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.pos = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)
    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])

def peer(a, dtype):
    """Images per second of PyTorch."""
    torch.set_num_threads(a.threads); torch.manual_seed(0)
    model = ViT(a.width, a.depth, a.heads, a.patch, a.size, 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    x, y, best = torch.randn(a.batch, 3, a.size, a.size), torch.randint(0, 10, (a.batch,)), 0
    for _ in range(a.windows):
        start = time.perf_counter()
        for _ in range(a.steps):
            with torch.autocast('cpu', torch.bfloat16, enabled=dtype == 'bf16'):
                loss = nn.functional.cross_entropy(model(x).float(), y)
            loss.backward(); optimizer.step(); optimizer.zero_grad()
        best = max(best, a.batch * a.steps / (time.perf_counter() - start))
    return best

def ours(a, dtype, r, data, out):
    """Images per second of Fovea."""
    command = [a.fovea, 'train', data + '/recipe.json', '--data', data + '/pictures', '--output', out, '--amp',
               'true' if dtype == 'bf16' else 'false', '--threads', str(a.threads), '--merge', str(r),
               '--epochs', str(a.steps * a.windows * a.batch / (10 * a.per_class))]
    p = subprocess.run(command, capture_output=True, text=True)
    if p.returncode: sys.exit(f'{command}: {p.stderr[-400:]}')
    rows = list(csv.DictReader(open(out + '/log.csv')))
    return max(float(row['images_per_second']) for row in rows if row['images_per_second'])

def make_pictures(a, data):
    rng = np.random.default_rng(0)
    for c in range(10):
        os.makedirs(f'{data}/pictures/{c}')
        for i in range(a.per_class):
            Image.fromarray(rng.integers(0, 256, (a.size, a.size, 3), np.uint8)).save(f'{data}/pictures/{c}/{i}.png')
    json.dump(dict(width=a.width, depth=a.depth, heads=a.heads, img_size=a.size, patch_size=a.patch, batch_size=a.batch,
                   train_split='', val_split='', crop='padded', crop_pct=1, log_every=a.steps, lr=1e-4,
                   weight_decay=0.05), open(data + '/recipe.json', 'w'))

def main():
    ap = argparse.ArgumentParser(); ap.add_argument('fovea'); ap.add_argument('--dtype', default='f32,bf16'); ap.add_argument('--r', default='0,13')
    for name, value in dict(width=384, depth=12, heads=6, patch=16, size=224, batch=32, threads=2, steps=2, windows=4).items():
        ap.add_argument('--' + name, type=int, default=value)
    a = ap.parse_args(); a.per_class = max(a.batch // 5, 4)
    with tempfile.TemporaryDirectory() as data:
        make_pictures(a, data)
        for dtype in a.dtype.split(','):
            before = {r: ours(a, dtype, r, data, f'{data}/{dtype}-{r}') for r in a.r.split(',')}
            theirs = peer(a, dtype)
            for r in a.r.split(','):
                best = max(before[r], ours(a, dtype, r, data, f'{data}/{dtype}-{r}-again'))
                print(json.dumps(dict(dtype=dtype, r=int(r), batch=a.batch, torch=round(theirs, 2), fovea=round(best, 2),
                                      ratio=round(best / theirs, 3))), flush=True)

if __name__ == '__main__': main()
