#!/usr/bin/env python3
"""Fovea beside its peers on this machine, in one run.

    python3 -m venv v && v/bin/pip install torch==2.13.0 numpy onnx onnxruntime openvino
    v/bin/python bench/compare.py build/release/fovea [MODEL:R:BATCH ...] [--dtype f32,bf16]

Each row gives the best of runs before and after the peers', and the ratio to the best peer of the same precision, one JSON
object a line. bf16 is compared by default where the processor has it. Let nothing else run meanwhile.
"""
import argparse, json, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__)); env = {k: v for k, v in os.environ.items() if not k.startswith('OPENBLAS_')}
ROWS = ['vit_small_patch16_224:0:1', 'vit_small_patch16_224:0:8', 'vit_small_patch16_224:13:1', 'vit_small_patch16_224:13:8',
        'vit_base_patch16_224:13:1', 'vit_base_patch16_224:13:8', 'vit_small_patch14_518:80:1', 'vit_large_patch16_224:7:1']

def lines(cmd):
    p = subprocess.run(cmd, capture_output=True, text=True, env=env)
    if p.returncode: sys.exit(f'{cmd}: {p.stderr[-400:]}')
    return [json.loads(l) for l in p.stdout.splitlines() if l.startswith('{')]

def main():
    has_bf16 = 'avx512_bf16' in open('/proc/cpuinfo').read()
    ap = argparse.ArgumentParser(); ap.add_argument('fovea'); ap.add_argument('rows', nargs='*'); ap.add_argument('--dtype', default='f32,bf16' if has_bf16 else 'f32')
    ap.add_argument('--peers', default='torch,ort,openvino'); ap.add_argument('--threads', default='2'); a = ap.parse_args()
    kinds, peers = a.dtype.split(','), a.peers.split(',')
    for row in a.rows or ROWS:
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
