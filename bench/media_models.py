"""Models of videos and of sound for bench/peers.py: dense as transformers has them, merged by a loop of the same layers that merges as timm_models.py does.

AudioMAE and MAE-ST, which transformers lacks, run in that loop without merging, too. Random weights.

    v/bin/python bench/media_models.py build/release/fovea

gives Fovea the weights of small ones, and prints by how much its logits differ from theirs, of the largest logit: at most 2e-4.
"""
import json, os, re, subprocess, sys, tempfile, numpy as np, torch, torch.nn as nn, torch.nn.functional as F
import timm_models

SIZES = {'small': (384, 12, 6), 'base': (768, 12, 12), 'large': (1024, 24, 16), 'huge': (1280, 32, 16)}
VIDEO, SOUND = (3, 16, 224, 224), (1024, 128)  # of an input, without the batch
CLASSES = {'videomae': 400, 'mae_st': 400, 'ast': 527, 'audiomae': 527}
# Of a kind: tokens before the patches, which never merge; patch; from one to the next; whether the features are their mean.
KINDS = {'videomae': (0, (2, 16, 16), (2, 16, 16), False), 'mae_st': (1, (2, 16, 16), (2, 16, 16), False),
         'ast': (2, (16, 16), (10, 10), True), 'audiomae': (1, (16, 16), (16, 16), False)}

def kind_of(name):
    """Kind and size of a name that Fovea's bench takes, or nothing."""
    m = re.fullmatch(r'(videomae|mae_st|ast|audiomae)_(small|base|large|huge)_patch16_(224|128x1024|1024x128)', name)
    return (m[1], SIZES[m[2]]) if m else None

def shape_of(kind): return SOUND if kind in ('ast', 'audiomae') else VIDEO

class Layer(nn.Module):
    def __init__(s, c, eps):
        super().__init__(); s.n1, s.n2 = nn.LayerNorm(c, eps), nn.LayerNorm(c, eps)
        s.qkv, s.proj, s.fc1, s.fc2 = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

class Merged(timm_models.Merged):
    def __init__(s, kind, c, depth, h, r):
        nn.Module.__init__(s); s.kind, s.h, s.r = kind, h, r; s.p, patch, step, s.means_prefix = KINDS[kind]
        s.embed = nn.Conv3d(3, c, patch, step) if len(patch) == 3 else nn.Conv2d(1, c, patch, step)
        s.prefix, s.pos = nn.Parameter(torch.randn(1, s.p, c)), nn.Parameter(torch.randn(1, s.p + patches(kind), c) * .02)
        eps = 1e-12 if kind == 'ast' else 1e-6; s.layers, s.norm = nn.ModuleList(Layer(c, eps) for _ in range(depth)), nn.LayerNorm(c, eps)
        s.head_norm = nn.LayerNorm(c, eps) if s.means_prefix else nn.Identity(); s.head = nn.Linear(c, CLASSES[kind])
        if kind == 'videomae':  # its keys have no bias
            for l in s.layers: l.qkv.bias.data[c:2 * c] = 0
    def layer(s, l, x, size):
        B, N, C = x.shape; q, k, v = l.qkv(l.n1(x)).reshape(B, N, 3, s.h, C // s.h).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + l.proj(timm_models.attend(q, k, v, size).transpose(1, 2).reshape(B, N, C)); r = min(s.r, (N - s.p) // 2)
        if r > 0:
            merge = s.plan(k, r)
            if size is None: size = torch.ones_like(x[..., :1])
            x, size = merge(x * size), merge(size); x = x / size
        return x + l.fc2(F.gelu(l.fc1(l.n2(x)))), size
    def forward(s, x):
        if s.kind == 'ast': x = x.transpose(1, 2)
        x = s.embed(x[:, None] if x.dim() == 3 else x).flatten(2).transpose(1, 2); size = None
        if s.p: x = torch.cat([s.prefix.expand(x.shape[0], -1, -1), x], 1)
        x = x + s.pos
        for l in s.layers: x, size = s.layer(l, x, size)
        if s.means_prefix: return s.head(s.head_norm(s.norm(x)[:, :s.p].mean(1)))
        x = x[:, s.p:]; return s.head(s.norm(x.mean(1) if size is None else (x * size[:, s.p:]).sum(1) / size[:, s.p:].sum(1)))

class Dense(nn.Module):
    def __init__(s, kind, c, depth, h):
        super().__init__(); import transformers as t
        sizes = dict(hidden_size=c, num_hidden_layers=depth, num_attention_heads=h, intermediate_size=4 * c)
        s.is_video = kind == 'videomae'
        s.model = (t.VideoMAEForVideoClassification(t.VideoMAEConfig(num_labels=CLASSES[kind], use_mean_pooling=True, num_frames=VIDEO[1], image_size=VIDEO[2], **sizes)) if s.is_video
                   else t.ASTForAudioClassification(t.ASTConfig(num_labels=CLASSES[kind], max_length=SOUND[0], **sizes))).eval()
    def forward(s, x): return s.model(x.transpose(1, 2) if s.is_video else x).logits  # transformers has frames before channels

def patches(kind):
    _, patch, step, _ = KINDS[kind]; extents = {'ast': SOUND[::-1], 'audiomae': SOUND}.get(kind, VIDEO[1:]); n = 1
    for whole, p, by in zip(extents, patch, step): n *= (whole - p) // by + 1
    return n

def gflops(kind, c, depth, r):  # two per multiply-add, without the head
    p, patch, _, _ = KINDS[kind]; n = patches(kind); t = n * c * (3 if len(patch) == 3 else 1)
    for side in patch: t *= side
    n += p
    for _ in range(depth):
        left = n - min(r, (n - p) // 2); t += 4 * c * c * n + 2 * n * n * c + 8 * c * c * left; n = left
    return 2 * t / 1e9

def build(kind, size):
    """What gives for each r a model and its GFLOPs, and the shape of an input."""
    c, depth, h = size
    def of(r):
        dense = r == 0 and kind in ('videomae', 'ast')
        return (Dense(kind, c, depth, h) if dense else Merged(kind, c, depth, h, r).eval()), gflops(kind, c, depth, r)
    return of, shape_of(kind)

def tensors_of(m):
    """The weights of a loop under the names of the model's authors, AST's under timm's."""
    t = {'patch_embed.proj.' + k: v for k, v in m.embed.state_dict().items()}; t['pos_embed'] = m.pos
    if m.p: t['cls_token'] = m.prefix[:, :1]
    if m.p > 1: t['dist_token'] = m.prefix[:, 1:]
    def add(name, layer): t.update({f'{name}.{k}': v for k, v in layer.state_dict().items()})
    for i, l in enumerate(m.layers):
        b = f'blocks.{i}.'; (wq, wk, wv), (bq, bk, bv) = l.qkv.weight.chunk(3), l.qkv.bias.chunk(3)
        for name, layer in (('norm1', l.n1), ('norm2', l.n2), ('attn.proj', l.proj), ('mlp.fc1', l.fc1), ('mlp.fc2', l.fc2)): add(b + name, layer)
        if m.kind == 'mae_st': t.update({b + f'attn.{n}.{k}': v for n, w, x in (('q', wq, bq), ('k', wk, bk), ('v', wv, bv)) for k, v in (('weight', w), ('bias', x))})
        elif m.kind == 'videomae': t.update({b + 'attn.qkv.weight': l.qkv.weight, b + 'attn.q_bias': bq, b + 'attn.v_bias': bv})
        else: add(b + 'attn.qkv', l.qkv)
    add('norm' if m.kind in ('mae_st', 'ast') else 'fc_norm', m.norm); add('head', m.head)
    if m.means_prefix: add('head_norm', m.head_norm)
    return {k: v.detach().clone().contiguous() for k, v in t.items()}

def write(m, kind, heads, folder):
    from safetensors.torch import save_file
    if isinstance(m, Dense): return m.model.save_pretrained(folder)
    config = dict(architecture=kind, num_heads=heads, num_classes=CLASSES[kind], patch_size=16)
    config.update(dict(img_size=SOUND, stride=KINDS[kind][2][0]) if kind in ('ast', 'audiomae') else dict(num_frames=VIDEO[1], img_size=VIDEO[2], tubelet_size=2, t_patch_size=2))
    if kind == 'audiomae': config['global_pool'] = 'avg'
    os.makedirs(folder, exist_ok=True); save_file(tensors_of(m), folder + '/model.safetensors'); json.dump(config, open(folder + '/config.json', 'w'))

def main():
    """Of small models of every row that is compared, few enough tokens that none merges by a rounding."""
    from safetensors.numpy import load_file
    global VIDEO, SOUND; VIDEO, SOUND = (3, 4, 64, 64), (96, 128); torch.manual_seed(0); worst = 0
    for kind in KINDS:
        for r in (0, 6):
            c, depth, heads = 96, 3, 4; of, shape = build(kind, (c, depth, heads)); m, _ = of(r); x = torch.randn(2, *shape)
            with tempfile.TemporaryDirectory() as d, torch.inference_mode():
                write(m, kind, heads, d + '/model'); np.save(d + '/x.npy', x.numpy())
                subprocess.run([sys.argv[1], 'forward', d + '/model', '--input', d + '/x.npy', '--output', d + '/y.safetensors', '--r', str(r)], check=True)
                ours, theirs = load_file(d + '/y.safetensors')['logits'], m(x).numpy(); off = float(abs(ours - theirs).max() / abs(theirs).max()); worst = max(worst, off)
            print(json.dumps(dict(kind=kind, r=r, peer='transformers' if isinstance(m, Dense) else 'the loop', difference=off)), flush=True)
    if worst > 2e-4: sys.exit(f'differs by {worst} of the largest logit; expected at most 2e-4')

if __name__ == '__main__': main()
