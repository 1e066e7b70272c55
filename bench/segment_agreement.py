#!/usr/bin/env python3
"""How alike two ways to run a Segment Anything answer: the mean IoU of their masks.

    python3 bench/segment_agreement.py build/release/fovea MODEL FOLDER --options "--dtype bf16" [--beside "--dtype f32"] [--pictures N]

FOLDER has ID.jpg beside label maps ID-0.png, as BSDS has them in train/ and test/. Of each segment of the first map with 100 pixels or
more a point, drawn in it, and its box are asked; masks that are empty both ways count as equal. Needs NumPy and Pillow.
"""
import argparse, glob, json, os, subprocess, tempfile
import numpy as np
from PIL import Image

def prompts_of(picture, rng):
    labels = np.asarray(Image.open(picture[:-4] + '-0.png')).astype(int)
    for value in np.unique(labels[labels > 0]):
        ys, xs = np.nonzero(labels == value)
        if len(ys) < 100: continue
        i = rng.integers(len(ys)); name = f'{os.path.basename(picture)} {value}'
        yield {'name': name + ' point', 'file': picture, 'points': [[int(xs[i]), int(ys[i])]], 'multimask': True}
        yield {'name': name + ' box', 'file': picture, 'box': [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]}

def mask_of(rle):
    values = np.arange(len(rle['counts'])) % 2
    return np.repeat(values, rle['counts']).astype(bool)

def answers(fovea, model, prompts, options):
    run = subprocess.run([fovea, 'segment', model, '--prompts', prompts, '--json', *options.split()], capture_output=True, text=True)
    if run.returncode: raise SystemExit(run.stderr.strip())
    best = {}
    for line in run.stdout.splitlines():
        for mask in json.loads(line)['masks']:
            if mask['prompt'] not in best or mask['predicted_iou'] > best[mask['prompt']]['predicted_iou']: best[mask['prompt']] = mask
    return {name: mask_of(mask['segmentation']) for name, mask in best.items()}

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('fovea'); ap.add_argument('model'); ap.add_argument('folder'); ap.add_argument('--options', required=True)
    ap.add_argument('--beside', default='--dtype f32'); ap.add_argument('--pictures', type=int, default=200); a = ap.parse_args()
    pictures = [os.path.abspath(p) for p in sorted(glob.glob(os.path.join(a.folder, '*.jpg')))[:a.pictures]]
    if not pictures: raise SystemExit(f'{a.folder}: no .jpg')
    rng, found = np.random.default_rng(0), {'point': [], 'box': []}
    for picture in pictures:  # one at a time: masks of all of them would not fit
        asked = list(prompts_of(picture, rng))
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(asked, file); file.flush()
            one, other = (answers(a.fovea, a.model, file.name, options) for options in (a.options, a.beside))
        for prompt in asked:
            x, y = one[prompt['name']], other[prompt['name']]; union = (x | y).sum()
            found[prompt['name'].split()[-1]].append((x & y).sum() / union if union else 1.0)
    for kind, values in found.items(): print(f'{kind:<6} {len(values)} masks, mean IoU {np.mean(values):.4f}, of the worst twentieth {np.mean(sorted(values)[:max(1, len(values) // 20)]):.4f}')

if __name__ == '__main__': main()
