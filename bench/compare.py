#!/usr/bin/env python3
"""Fovea beside its peers on this machine, in one run.

    python3 -m venv v && v/bin/pip install torch==2.13.0 numpy onnx onnxruntime openvino
    v/bin/pip install --no-deps timm && v/bin/pip install huggingface_hub safetensors pyyaml pillow
    v/bin/python bench/compare.py build/release/fovea [MODEL:R:BATCH ...] [--families|--media] [--dtype f32,bf16]

Each row gives the best of runs before and after the peers', and the ratio to the best peer of the same precision, one JSON
object a line. bf16 is compared by default where the processor has it. With FOVEA_SIMD=avx2 PyTorch is held to AVX2 as well, and OpenVINO in
part: its fully connected layers (MLAS) are not, so that the ratio counts only where AVX-512 is no faster or not there. ONNX
Runtime, which can't be held at all, is left out. --families: models of CLIP, SigLIP and DINO instead of plain ones, which timm builds (the
second line installs it); --media: models of videos and of sound, which transformers builds. Let nothing else run meanwhile.
"""
import argparse, json, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__)); env = {k: v for k, v in os.environ.items() if not k.startswith('OPENBLAS_')}
ROWS = ['vit_small_patch16_224:0:1', 'vit_small_patch16_224:0:8', 'vit_small_patch16_224:13:1', 'vit_small_patch16_224:13:8',
        'vit_base_patch16_224:13:1', 'vit_base_patch16_224:13:8', 'vit_small_patch14_518:80:1', 'vit_large_patch16_224:7:1']
FAMILIES = ['vit_base_patch32_clip_224:0:8', 'vit_base_patch32_clip_224:3:8', 'vit_large_patch14_clip_224:0:1', 'vit_large_patch14_clip_224:8:1',
            'vit_base_patch16_siglip_224:0:1', 'vit_base_patch16_siglip_224:13:1', 'vit_so400m_patch14_siglip_384:0:1', 'vit_so400m_patch14_siglip_384:20:1',
            'vit_small_patch16_dinov3:0:1', 'vit_small_patch16_dinov3:16:1', 'vit_base_patch16_dinov3:0:1', 'vit_base_patch16_dinov3:16:1']
MEDIA = ['videomae_base_patch16_224:0:1', 'videomae_base_patch16_224:120:1', 'mae_st_large_patch16_224:65:1', 'ast_base_patch16_128x1024:0:1',
         'ast_base_patch16_128x1024:100:1', 'audiomae_base_patch16_1024x128:0:1', 'audiomae_base_patch16_1024x128:40:1']
is_avx2 = env.get('FOVEA_SIMD') == 'avx2'
if is_avx2: env.update(ONEDNN_MAX_CPU_ISA='AVX2', ATEN_CPU_CAPABILITY='avx2')

def lines(cmd):
    p = subprocess.run(cmd, capture_output=True, text=True, env=env)
    if p.returncode: sys.exit(f'{cmd}: {p.stderr[-400:]}')
    return [json.loads(l) for l in p.stdout.splitlines() if l.startswith('{')]

def main():
    has_bf16 = 'avx512_bf16' in open('/proc/cpuinfo').read() and not is_avx2
    ap = argparse.ArgumentParser(); ap.add_argument('fovea'); ap.add_argument('rows', nargs='*'); ap.add_argument('--dtype', default='f32,bf16' if has_bf16 else 'f32')
    ap.add_argument('--peers', default='torch,openvino' if is_avx2 else 'torch,ort,openvino'); ap.add_argument('--threads', default='2'); ap.add_argument('--families', action='store_true'); ap.add_argument('--media', action='store_true'); a = ap.parse_args()
    kinds, peers = a.dtype.split(','), a.peers.split(',')
    for row in a.rows or (FAMILIES if a.families else MEDIA if a.media else ROWS):
        model, r, batch = row.split(':')
        def ours(dtype): return lines([a.fovea, 'bench', model, '--r', r, '--batch', batch, '--threads', a.threads, '--dtype', dtype, '--json'])[0]['images_per_second']
        best = {d: ours(d) for d in kinds}
        ask = (peers if 'f32' in kinds else []) + ['openvino-bf16'] * ('bf16' in kinds)
        p = lines([sys.executable, '-W', 'ignore', HERE + '/peers.py', model, '--r', r, '--batch', batch, '--threads', a.threads, '--reps', '4', '--peers', ','.join(ask)])[0]
        best = {d: max(v, ours(d)) for d, v in best.items()}; out = dict(row=row, gflops_per_image=p['gflops_per_image'], **{k: p[k] for k in ask})
        if 'f32' in kinds: out.update(fovea=best['f32'], ratio=round(best['f32'] / max(p[k] for k in peers), 3))
        if 'bf16' in kinds: out.update({'fovea-bf16': best['bf16'], 'ratio-bf16': round(best['bf16'] / p['openvino-bf16'], 3)})
        print(json.dumps(out), flush=True)

if __name__ == '__main__': main()
