"""Models of videos and of sound for bench/peers.py: dense as transformers has them, merged by a loop of the same layers that merges as timm_models.py does.

AudioMAE and MAE-ST, which transformers lacks, run in that loop without merging, too. Random weights.
"""
import re, torch, torch.nn as nn, torch.nn.functional as F
import timm_models

SIZES = {'small': (384, 12, 6), 'base': (768, 12, 12), 'large': (1024, 24, 16), 'huge': (1280, 32, 16)}
VIDEO, SOUND = (3, 16, 224, 224), (1024, 128)  # of an input, without the batch
# Of a kind: tokens before the patches, which never merge; patch; from one to the next; whether the features are their mean.
KINDS = {'videomae': (0, (2, 16, 16), (2, 16, 16), False), 'mae_st': (1, (2, 16, 16), (2, 16, 16), False),
         'ast': (2, (16, 16), (10, 10), True), 'audiomae': (1, (16, 16), (16, 16), False)}

def kind_of(name):
    """Kind and size of a name that Fovea's bench takes, or nothing."""
    m = re.fullmatch(r'(videomae|mae_st|ast|audiomae)_(small|base|large|huge)_patch16_(224|128x1024|1024x128)', name)
    return (m[1], SIZES[m[2]]) if m else None

def shape_of(kind): return SOUND if kind in ('ast', 'audiomae') else VIDEO

class Layer(nn.Module):
    def __init__(s, c):
        super().__init__(); s.n1, s.n2 = nn.LayerNorm(c, 1e-6), nn.LayerNorm(c, 1e-6)
        s.qkv, s.proj, s.fc1, s.fc2 = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

class Merged(timm_models.Merged):
    def __init__(s, kind, c, depth, h, r):
        nn.Module.__init__(s); s.kind, s.h, s.r = kind, h, r; s.p, patch, step, s.means_prefix = KINDS[kind]
        s.embed = nn.Conv3d(3, c, patch, step) if len(patch) == 3 else nn.Conv2d(1, c, patch, step)
        s.prefix, s.pos = nn.Parameter(torch.randn(1, s.p, c)), nn.Parameter(torch.randn(1, s.p + patches(kind), c) * .02)
        s.layers, s.norm, s.head = nn.ModuleList(Layer(c) for _ in range(depth)), nn.LayerNorm(c, 1e-6), nn.Linear(c, 400 if len(patch) == 3 else 527)
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
        if s.means_prefix: return s.head(s.norm(x)[:, :s.p].mean(1))
        x = x[:, s.p:]; return s.head(s.norm(x.mean(1) if size is None else (x * size[:, s.p:]).sum(1) / size[:, s.p:].sum(1)))

class Dense(nn.Module):
    def __init__(s, kind, c, depth, h):
        super().__init__(); import transformers as t
        sizes = dict(hidden_size=c, num_hidden_layers=depth, num_attention_heads=h, intermediate_size=4 * c)
        s.model = (t.VideoMAEForVideoClassification(t.VideoMAEConfig(num_labels=400, use_mean_pooling=True, **sizes)) if kind == 'videomae'
                   else t.ASTForAudioClassification(t.ASTConfig(num_labels=527, **sizes))).eval()
    def forward(s, x): return s.model(x).logits

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
