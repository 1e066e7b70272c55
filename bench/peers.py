#!/usr/bin/env python3
"""Images per second of the peers on this machine: PyTorch, ONNX Runtime and OpenVINO, dense and with token merging.

    python3 -m venv v && v/bin/pip install torch==2.13.0 numpy onnx onnxruntime openvino
    v/bin/pip install --no-deps timm && v/bin/pip install huggingface_hub safetensors pyyaml pillow
    v/bin/python bench/peers.py vit_small_patch16_224 --r 0 13 --batch 1 8

Every peer runs the same random weights, two threads, the best of --reps interleaved runs. Models other
than (vit|deit)_SIZE_patchN_SIZE are timm's (timm_models.py), and need the second line, or transformers'
(sam_models.py, and media_models.py of videos and sound: pip install transformers). Unset
OPENBLAS_CORETYPE before a measurement. One JSON object a line.
"""
import argparse, json, os, re, tempfile, time, numpy as np, torch, torch.nn as nn, torch.nn.functional as F
import media_models, sam_models, timm_models

SIZES = {'tiny': (192, 12, 3), 'small': (384, 12, 6), 'base': (768, 12, 12), 'large': (1024, 24, 16), 'huge': (1280, 32, 16)}

class Block(nn.Module):
    add = False  # ONNX Runtime refuses the graph of scatter_reduce; OpenVINO runs it faster than scatter_add's
    def __init__(s, c, h, r):
        super().__init__(); s.h, s.r = h, r; s.n1, s.n2 = nn.LayerNorm(c, 1e-6), nn.LayerNorm(c, 1e-6)
        s.qkv, s.proj, s.fc1, s.fc2 = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
    def forward(s, x, size):
        B, N, C = x.shape; q, k, v = s.qkv(s.n1(x)).reshape(B, N, 3, s.h, C // s.h).permute(2, 0, 3, 1, 4).unbind(0)
        if size is None: o = F.scaled_dot_product_attention(q, k, v)
        else: o = ((q @ k.transpose(-2, -1)) * (C // s.h) ** -0.5 + size.log()[:, None, None, :, 0]).softmax(-1) @ v
        x = x + s.proj(o.transpose(1, 2).reshape(B, N, C)); r = min(s.r, (N - 1) // 2)
        if r > 0:
            m = k.mean(1); m = m / m.norm(dim=-1, keepdim=True); a, b = m[:, ::2], m[:, 1::2]
            sc = a @ b.transpose(-1, -2); sc[:, 0, :] = -float('inf')
            best, dst = sc.max(-1); order = best.argsort(dim=-1, descending=True)
            keep, src = order[:, r:].sort(dim=1).values, order[:, :r]; dst = dst.gather(1, src)
            if size is None: size = torch.ones_like(x[..., :1])
            def merge(t):
                a, b = t[:, ::2], t[:, 1::2]; c = t.shape[-1]; i = dst[..., None].expand(-1, -1, c); moved = a.gather(1, src[..., None].expand(-1, -1, c))
                b = b.scatter_add(1, i, moved) if s.add else b.scatter_reduce(1, i, moved, 'sum')
                return torch.cat([a.gather(1, keep[..., None].expand(-1, -1, c)), b], 1)
            x, size = merge(x * size), merge(size); x = x / size
        return x + s.fc2(F.gelu(s.fc1(s.n2(x)))), size

class ViT(nn.Module):
    def __init__(s, c, depth, h, patch, img, r):
        super().__init__(); n = (img // patch) ** 2
        s.embed = nn.Conv2d(3, c, patch, patch); s.cls, s.pos = nn.Parameter(torch.randn(1, 1, c)), nn.Parameter(torch.randn(1, n + 1, c) * .02)
        s.blocks, s.norm, s.head = nn.ModuleList(Block(c, h, r) for _ in range(depth)), nn.LayerNorm(c, 1e-6), nn.Linear(c, 1000)
    def forward(s, x):
        x = s.embed(x).flatten(2).transpose(1, 2); x = torch.cat([s.cls.expand(x.shape[0], -1, -1), x], 1) + s.pos; size = None
        for b in s.blocks: x, size = b(x, size)
        return s.head(s.norm(x)[:, 0])

def gflops(c, depth, patch, img, r):  # two per multiply-add
    n = (img // patch) ** 2 + 1; t = (n - 1) * 3 * patch * patch * c
    for _ in range(depth):
        m = n - min(r, (n - 1) // 2); t += 4 * c * c * n + 2 * n * n * c + 8 * c * c * m; n = m
    return 2 * t / 1e9

def build(name):
    """What gives for each r a model and its GFLOPs, and the shape of an input."""
    plain = re.fullmatch(r'(?:vit|deit)_(tiny|small|base|large|huge)_patch(\d+)_(\d+)', name)
    if plain:
        (c, depth, h), patch, img = SIZES[plain[1]], int(plain[2]), int(plain[3])
        return lambda r: (ViT(c, depth, h, patch, img, r).eval(), gflops(c, depth, patch, img, r)), (3, img, img)
    if name in sam_models.SIZES:
        return lambda r: (sam_models.Encoder(name), sam_models.gflops(name)), (3, sam_models.SIDE, sam_models.SIDE)
    if media_models.kind_of(name): return media_models.build(*media_models.kind_of(name))
    m = timm_models.create(name)
    return lambda r: (timm_models.with_r(m, r), timm_models.gflops(m, r)), (3, *m.patch_embed.img_size)

def main():
    ap = argparse.ArgumentParser(); ap.add_argument('model'); ap.add_argument('--r', type=int, nargs='+', default=[0, 13]); ap.add_argument('--batch', type=int, nargs='+', default=[1, 8])
    ap.add_argument('--reps', type=int, default=5); ap.add_argument('--threads', type=int, default=2); ap.add_argument('--peers', default='torch,ort,openvino,openvino-bf16'); a = ap.parse_args()
    torch.set_num_threads(a.threads); torch.manual_seed(0); want = a.peers.split(','); of_r, size = build(a.model)
    for r in a.r:
        for B in a.batch:
            m, operations = of_r(r); x = torch.randn(B, *size); xn = x.numpy(); runs = {}
            with torch.inference_mode():
                y = m(x).numpy()
                if 'torch' in want: runs['torch'] = lambda: m(x)
                with tempfile.TemporaryDirectory() as d:
                    path, path_add = d + '/m.onnx', d + '/add.onnx'
                    for p, add in ((path, False), (path_add, True)):
                        Block.add = timm_models.Merged.add = add
                        if set(want) - {'torch'}: torch.onnx.export(m, (x,), p, opset_version=17, dynamo=False)
                    Block.add = timm_models.Merged.add = False
                    if 'ort' in want:
                        import onnxruntime as ort; o = ort.SessionOptions(); o.intra_op_num_threads = a.threads
                        s = ort.InferenceSession(path_add, o, providers=['CPUExecutionProvider']); i = s.get_inputs()[0].name; runs['ort'] = lambda: s.run(None, {i: xn})
                    for tag, prec in (('openvino', 'f32'), ('openvino-bf16', 'bf16')):
                        if tag in want:
                            import openvino as ov; c_ = ov.Core().compile_model(path, 'CPU', {'INFERENCE_NUM_THREADS': a.threads, 'INFERENCE_PRECISION_HINT': prec, 'PERFORMANCE_HINT': 'LATENCY'})
                            q = c_.create_infer_request(); runs[tag] = (lambda q: lambda: q.infer({0: xn}))(q)
                best = {k: 1e9 for k in runs}
                for f in runs.values(): f()
                for _ in range(a.reps):
                    for k, f in runs.items():
                        time.sleep(0.3)  # lets the threads of the peer before stop spinning
                        for _ in range(3): t = time.perf_counter(); f(); best[k] = min(best[k], time.perf_counter() - t)
            print(json.dumps(dict(model=a.model, r=r, batch=B, gflops_per_image=round(operations, 3), **{k: round(B / v, 2) for k, v in best.items()})), flush=True)

if __name__ == '__main__': main()
