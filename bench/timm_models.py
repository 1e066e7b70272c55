"""timm's models for bench/peers.py: dense as timm has them, and with token merging between attention and MLP.

What computes is timm's own layers. Merged models call them from a loop that merges as peers.py's ViT does: prefix tokens
stay, the places of rotated tokens move to their members' mean, and attention, attention pooling and average pooling know
sizes. Models with rotations run in that loop without merging, too: timm's own passes flags that ONNX's tracer makes tensors
of. BEiT's are run dense alone: biases of merged tokens would be looked up anew.
"""
import importlib.abc, importlib.machinery, math, re, sys, types, torch, torch.nn as nn, torch.nn.functional as F

class Inert(type):  # a class that has every attribute, each one another
    def __getattr__(c, name):
        if name.startswith('__'): raise AttributeError(name)
        return Inert(name, (), {})

class NoTorchvision(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """timm's models import classes from torchvision that ViTs never use; there is none for each torch."""
    def find_spec(s, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, s, is_package=True) if name.split('.')[0] == 'torchvision' else None
    def create_module(s, spec):
        module = types.ModuleType(spec.name); module.__path__ = []; module.__getattr__ = lambda name: getattr(Inert('module', (), {}), name)
        return module
    def exec_module(s, module): pass

def import_timm():
    try: import torchvision
    except Exception:
        for name in [n for n in sys.modules if n.split('.')[0] == 'torchvision']: del sys.modules[name]
        sys.meta_path.insert(0, NoTorchvision())
    import timm
    return timm

def create(name):
    """The model of a name of timm's; where that tells no size one may stand behind it (vit_giant_patch14_dinov2_224)."""
    timm = import_timm(); size = re.fullmatch(r'(.+)_(\d+)', name)
    if timm.is_model(name): model = timm.create_model(name)
    elif size and timm.is_model(size[1]): model = timm.create_model(size[1], img_size=int(size[2]))
    else: sys.exit(f'{name}: neither timm nor peers.py knows such a model')
    return model.eval()

def with_r(m, r): return Merged(m, r).eval() if r or getattr(m, 'rope', None) is not None else m

def gflops(m, r):  # two per multiply-add, without the head
    c, (h, w), p = m.embed_dim, m.patch_embed.patch_size, m.num_prefix_tokens; n = m.patch_embed.num_patches; t = n * 3 * h * w * c; n += p
    hidden = m.blocks[0].mlp.fc2.in_features; layers = 3 if is_gated(m.blocks[0].mlp) else 2
    for _ in m.blocks:
        left = n - min(r, (n - p) // 2); t += 4 * c * c * n + 2 * n * n * c + layers * c * hidden * left; n = left
    return 2 * t / 1e9

def is_gated(mlp): return hasattr(mlp, 'fc1_g') or mlp.fc1.out_features == 2 * mlp.fc2.in_features

def pairs(a, b): return torch.stack([a, b], -1).reshape([int(n) for n in a.shape[:-1]] + [2 * int(a.shape[-1])])  # plain numbers, which ONNX's exporter needs

def angles_of(m):
    """Of every patch the angles [P, d / 2] that its queries and keys are turned by: linear in its place, as merging needs them."""
    rope, (h, w) = m.rope, m.patch_embed.grid_size; embed = rope.get_embed(shape=(h, w)); d = embed.shape[-1] // 2; half = getattr(m.blocks[0].attn, 'rotate_half', False)
    y, x = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing='ij'); at = torch.stack([y.flatten(), x.flatten()], 1)
    if hasattr(rope, 'periods'): at = 2 * math.pi * (2 * (at + .5) / torch.tensor([h, w]) - 1); bands = 1 / rope.periods
    else:
        ref = rope.ref_feat_shape; at = at * torch.tensor([ref[0] / h, ref[1] / w]) if ref else at; bands = 10000 ** (-4 * torch.arange(d // 4) / d)
    angles = (at[:, :, None] * bands).flatten(1); spread = lambda t: torch.cat([t, t], -1) if half else pairs(t, t)
    assert torch.allclose(spread(angles.sin()), embed[:, :d], atol=1e-4) and torch.allclose(spread(angles.cos()), embed[:, d:], atol=1e-4), 'not the rotations of timm'
    return angles, spread

def qkv_of(a, x):
    B, N, _ = x.shape; split = lambda t: t.reshape(B, N, a.num_heads, -1).transpose(1, 2)
    if getattr(a, 'qkv', None) is None: q, k, v = (split(f(x)) for f in (a.q_proj, a.k_proj, a.v_proj))
    else:
        t = a.qkv(x) if getattr(a, 'q_bias', None) is None else F.linear(x, a.qkv.weight, torch.cat([a.q_bias, a.k_bias, a.v_bias]))
        q, k, v = t.reshape(B, N, 3, a.num_heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
    return a.q_norm(q), a.k_norm(k), v

def attend(q, k, v, size):
    if size is None: return F.scaled_dot_product_attention(q, k, v)
    return ((q @ k.transpose(-2, -1)) * q.shape[-1] ** -.5 + size.log()[:, None, None, :, 0]).softmax(-1) @ v

class Merged(nn.Module):
    """A model of timm with r tokens less after each layer's attention."""
    add = False  # of peers.py's Block: which of two operations moves tokens
    def __init__(s, m, r):
        super().__init__(); s.m, s.r, s.p = m, r, m.num_prefix_tokens
        if hasattr(m.blocks[0].attn, 'relative_position_bias_table'): sys.exit('BEiT: its peers are run dense; expected r 0')
        if getattr(m, 'rope', None) is not None: s.angles, s.spread = angles_of(m)
    def turns(s, angles): return None if angles is None else (s.spread(angles.sin())[:, None], s.spread(angles.cos())[:, None])
    def turn(s, t, turns):
        if turns is None: return t
        (sin, cos), half = turns, getattr(s.m.blocks[0].attn, 'rotate_half', False); front, t = t[:, :, :s.p], t[:, :, s.p:]
        if half: a, b = t.chunk(2, -1); other = torch.cat([-b, a], -1)
        else: other = pairs(-t[..., 1::2], t[..., ::2])
        return torch.cat([front, t * cos + other * sin], 2)
    def plan(s, k, r):
        m = k.mean(1); m = m / m.norm(dim=-1, keepdim=True); a, b = m[:, ::2], m[:, 1::2]; sc = a @ b.transpose(-1, -2); pa, pb = (s.p + 1) // 2, s.p // 2
        if pa: sc = torch.cat([torch.full_like(sc[:, :pa], -float('inf')), sc[:, pa:]], 1)
        if pb: sc = torch.cat([torch.full_like(sc[:, :, :pb], -float('inf')), sc[:, :, pb:]], 2)
        best, dst = sc.max(-1); order = best.argsort(dim=-1, descending=True)
        keep, src = order[:, r:], order[:, :r]; dst = dst.gather(1, src)
        if s.p: keep = keep.sort(dim=1).values  # else they stay in falling similarity, as in the paper's code
        def merge(t):
            a, b = t[:, ::2], t[:, 1::2]; c = t.shape[-1]; i = dst[..., None].expand(-1, -1, c); moved = a.gather(1, src[..., None].expand(-1, -1, c))
            b = b.scatter_add(1, i, moved) if s.add else b.scatter_reduce(1, i, moved, 'sum'); a = a.gather(1, keep[..., None].expand(-1, -1, c))
            return torch.cat([a[:, :pa], b[:, :pb], a[:, pa:], b[:, pb:]] if pb else [a, b], 1)
        return merge
    def block(s, b, x, size, angles, turns):
        B, N, _ = x.shape; y = b.norm1(x); q, k, v = qkv_of(b.attn, y); metric = k
        o = attend(s.turn(q, turns), s.turn(k, turns), v, size).transpose(1, 2).reshape(B, N, -1); o = b.attn.proj(b.attn.norm(o))
        scale = lambda t, gamma, layer: t if gamma is None and layer is None else t * gamma if layer is None else layer(t)
        x = x + scale(o, getattr(b, 'gamma_1', None), getattr(b, 'ls1', None)); r = min(s.r, (N - s.p) // 2)
        if r > 0:
            merge = s.plan(metric, r)
            if size is None: size = torch.ones_like(x[..., :1])
            if angles is not None:  # prefix tokens have none
                padded = torch.cat([torch.zeros(B, s.p, angles.shape[-1]), angles.expand(B, -1, -1)], 1); angles = (merge(padded * size) / merge(size))[:, s.p:]; turns = s.turns(angles)
            x, size = merge(x * size), merge(size); x = x / size
        return x + scale(b.mlp(b.norm2(x)), getattr(b, 'gamma_2', None), getattr(b, 'ls2', None)), size, angles, turns
    def pool(s, x, size):
        m = s.m
        if getattr(m, 'attn_pool', None) is not None:
            a, p = m.attn_pool, 0 if getattr(m, 'pool_include_prefix', False) else s.p; x = x[:, p:]; B, N, C = x.shape; size = None if size is None else size[:, p:]
            q = a.q(a.latent.expand(B, -1, -1)).reshape(B, -1, a.num_heads, a.head_dim).transpose(1, 2); k, v = a.kv(x).reshape(B, N, 2, a.num_heads, a.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
            o = a.proj(attend(q, k, v, size).transpose(1, 2).reshape(B, -1, C)); return (o + a.mlp(a.norm(o)))[:, 0]
        if m.global_pool == 'token': return x[:, 0]
        x, size = x[:, s.p:], torch.ones_like(x[:, s.p:, :1]) if size is None else size[:, s.p:]
        return (x * size).sum(1) / size.sum(1)
    def forward(s, x):
        m = s.m; x = m._pos_embed(m.patch_embed(x)); x, size, angles = m.norm_pre(x[0] if isinstance(x, tuple) else x), None, getattr(s, 'angles', None)
        angles = None if angles is None else angles[None]; turns = s.turns(angles)
        for b in m.blocks: x, size, angles, turns = s.block(b, x, size, angles, turns)
        return m.head(m.fc_norm(s.pool(m.norm(x), size)))
