#!/usr/bin/env python3
"""Records `train-image-predictor` and `train-image-cvae`: networks that make starts, with the small image encoder of the STEP release in front,
trained in float64.

    python3 test/support/reference/image_start_case.py predictor test/goldens/train-image-predictor
    python3 test/support/reference/image_start_case.py plain-predictor test/goldens/train-image-predictor-plain
    python3 test/support/reference/image_start_case.py cvae test/goldens/train-image-cvae
    python3 test/support/reference/image_start_case.py projected-cvae test/goldens/train-image-cvae-projected

The predictor has `obs_proj`, and the plain one does without; the CVAE has no `obs_projection`, and the projected one does.

Written from docs/predictor-format.md and the releases' formulas alone. Gradients are those of tape.py, and are compared with central differences
before anything is written. Start weights follow a formula, inputs are random. Needs NumPy and SciPy alone.
"""
import json
import math
import os
import sys

import numpy as np

from case_files import formula_values, write_tensors
from tape import Value, clamp, concatenate, exp, gelu, gradients, inverse_root, patches, relu

SEED = 23
SAMPLES = 64
STEPS, BATCH, FRAMES = 10, 3, 2
HEIGHT, WIDTH = 13, 17
# Not in the order of their names: features follow this one.
CAMERAS = ["observation.images.wrist", "observation.images.front"]
STATE, STATE_DIM = "observation.state", 3
EMBED, ACTION, HORIZON = 8, 3, 8
ROW = len(CAMERAS) * EMBED + STATE_DIM
RUNS = {
    "release": {"optimizer": "adamw", "lr": 1e-3, "betas": [0.9, 0.999], "weight_decay": 1e-4, "clip_norm": None, "ema": None, "record_at": [1, 10]},
    "clip-decay-adam": {"optimizer": "adam", "lr": 1e-3, "betas": [0.95, 0.999], "weight_decay": 0.1, "clip_norm": 1.0, "ema": "lerobot", "record_at": [2, 10]},
}
EPS, DROPOUT = 1e-8, 0.1
ENCODER = "encoder.key_model_map.rgb."
CHANNELS = [3, 32, 64, 128, 128]

IMAGE_KEYS = {
    "image_encoder": {"type": "small_conv", "in_channels": 3, "embed_dim": EMBED, "shared": True, "image_shape": [3, HEIGHT, WIDTH], "imagenet_norm": False},
    "image_keys": CAMERAS,
    "state_keys": [STATE],
    "feature_dim": ROW,
    "normalize_state": False,
}


def linear_shapes(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def encoder_shapes():
    shapes = {}
    for layer in range(4):
        shapes[f"{ENCODER}net.{2 * layer}.weight"] = (CHANNELS[layer + 1], CHANNELS[layer], 3, 3)
        shapes[f"{ENCODER}net.{2 * layer}.bias"] = (CHANNELS[layer + 1],)
    return {**shapes, **linear_shapes(f"{ENCODER}head", 128, EMBED)}


def linear(w, name, x):
    return x @ w[f"{name}.weight"].transpose(1, 0) + w[f"{name}.bias"]


def rows_of(w, batch):
    """[b, To, features of the cameras, state]: pixels / 255, the state as it is."""
    features = []
    for camera in CAMERAS:
        x = Value(batch[camera].reshape(-1, 3, HEIGHT, WIDTH) / 255)
        for layer in range(4):
            name = f"{ENCODER}net.{2 * layer}"
            windows = patches(x, 3, 2, 1)
            weight = w[f"{name}.weight"].reshape(CHANNELS[layer + 1], CHANNELS[layer] * 9)
            x = relu(windows @ weight.transpose(1, 0) + w[f"{name}.bias"]).transpose(0, 3, 1, 2)
        mean = x.mean((2, 3)).reshape(-1, CHANNELS[4])
        features.append(linear(w, f"{ENCODER}head", mean).reshape(BATCH, FRAMES, EMBED))
    return concatenate([*features, Value(batch[STATE])], 2)


def keep(mask, x):
    return x if mask is None else x * (mask.astype(x.data.dtype) / x.data.dtype.type(1 - DROPOUT))


class Predictor:
    kind, prefix = "train-predictor", "model."
    D, HEADS, HIDDEN, HISTORY, TOKEN = 16, 2, 32, 5, 12
    zeros = [f"model.{name}.in_proj_bias" for name in ("cond_encoder.layers.0.self_attn", "cross_attention_layers.0.self_attn", "cross_attention_layers.0.cross_attn")]

    def config(self):
        return {
            "type": "step_image_predictor", "action_dim": ACTION, "obs_dim": self.TOKEN, "horizon": HORIZON, "n_obs_steps": FRAMES,
            "history_steps": self.HISTORY, "n_encoder_layers": 1, "d_model": self.D, "n_head": self.HEADS, "n_layers": 1,
            "dim_feedforward": self.HIDDEN, **IMAGE_KEYS,
        }

    def shapes(self):
        d, f = self.D, self.HIDDEN
        norm = lambda name: {f"{name}.weight": (d,), f"{name}.bias": (d,)}
        attention = lambda name: {f"{name}.in_proj_weight": (3 * d, d), f"{name}.in_proj_bias": (3 * d,), **linear_shapes(f"{name}.out_proj", d, d)}
        layer, cross = "cond_encoder.layers.0", "cross_attention_layers.0"
        network = {
            "action_query": (1, HORIZON, d),
            **linear_shapes("prev_action_embed", ACTION, d), **linear_shapes("obs_embed", self.TOKEN, d),
            **attention(f"{layer}.self_attn"), **linear_shapes(f"{layer}.linear1", d, f), **linear_shapes(f"{layer}.linear2", f, d),
            **norm(f"{layer}.norm1"), **norm(f"{layer}.norm2"),
            **attention(f"{cross}.self_attn"), **norm(f"{cross}.norm1"), **attention(f"{cross}.cross_attn"), **norm(f"{cross}.norm2"),
            **linear_shapes(f"{cross}.ffn.0", d, f), **linear_shapes(f"{cross}.ffn.3", f, d), **norm(f"{cross}.norm3"),
            **norm("output_norm"), **linear_shapes("output_proj", d, ACTION),
        }
        projection = {} if self.TOKEN == ROW else linear_shapes("obs_proj", ROW, self.TOKEN)
        return {**encoder_shapes(), **{self.prefix + name: shape for name, shape in network.items()}, **projection}

    def inputs(self, random):
        chunk = lambda: random.uniform(-1, 1, (STEPS, BATCH, HORIZON, ACTION)).astype(np.float32)
        return {"previous": chunk(), "target": chunk()}

    def sites(self):
        tokens, d, f = self.HISTORY + FRAMES, self.D, self.HIDDEN
        layer, cross = "cond_encoder.layers.0", "cross_attention_layers.0"
        return {
            f"{layer}.self_attn.probabilities": (self.HEADS, tokens, tokens), f"{layer}.after_attention": (tokens, d),
            f"{layer}.after_gelu": (tokens, f), f"{layer}.after_linear2": (tokens, d),
            f"{cross}.self_attn.probabilities": (self.HEADS, HORIZON, HORIZON), f"{cross}.after_self_attention": (HORIZON, d),
            f"{cross}.cross_attn.probabilities": (self.HEADS, HORIZON, tokens), f"{cross}.after_cross_attention": (HORIZON, d),
            f"{cross}.after_gelu": (HORIZON, f), f"{cross}.after_ffn": (HORIZON, d),
        }

    def loss(self, weights, batch, step, masks):
        w = {name[len(self.prefix):] if name.startswith(self.prefix) else name: v for name, v in weights.items()}
        d, dtype = self.D, batch["target"].dtype
        mask = lambda site: masks.get(site)

        def norm(name, x):
            centred = x - x.mean(2)
            return centred * inverse_root((centred * centred).mean(2) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

        def heads(x):
            return x.reshape(BATCH, -1, self.HEADS, d // self.HEADS).transpose(0, 2, 1, 3)

        def attention(name, queries, memory):
            weight, bias = w[f"{name}.in_proj_weight"], w[f"{name}.in_proj_bias"]
            project = lambda x, part: heads(x @ weight[part * d : (part + 1) * d].transpose(1, 0) + bias[part * d : (part + 1) * d])
            q, k, v = project(queries, 0), project(memory, 1), project(memory, 2)
            scores = q @ k.transpose(0, 1, 3, 2) * (1 / math.sqrt(d // self.HEADS))
            shifted = exp(scores - scores.data.max(3, keepdims=True))
            total = shifted.sum(3)
            p = shifted * (inverse_root(total) * inverse_root(total))
            made = keep(mask(f"{name}.probabilities"), p) @ v
            return linear(w, f"{name}.out_proj", made.transpose(0, 2, 1, 3).reshape(BATCH, -1, d))

        def positions(count):
            p, i = np.arange(count)[:, None], np.arange(d)[None]
            angle = p * np.exp(-math.log(10000) * (i - i % 2) / d)
            return np.where(i % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32).astype(dtype)

        rows = rows_of(w, batch)
        tokens = rows if self.TOKEN == ROW else linear(w, "obs_proj", rows)
        history = Value(batch["previous"][:, HORIZON - self.HISTORY :])
        x = concatenate([linear(w, "prev_action_embed", history) + positions(self.HISTORY), linear(w, "obs_embed", tokens) + positions(FRAMES)], 1)
        layer, cross = "cond_encoder.layers.0", "cross_attention_layers.0"
        normed = norm(f"{layer}.norm1", x)
        x = x + keep(mask(f"{layer}.after_attention"), attention(f"{layer}.self_attn", normed, normed))
        hidden = keep(mask(f"{layer}.after_gelu"), gelu(linear(w, f"{layer}.linear1", norm(f"{layer}.norm2", x))))
        memory = x + keep(mask(f"{layer}.after_linear2"), linear(w, f"{layer}.linear2", hidden))
        x = Value(np.zeros((BATCH, HORIZON, d), dtype)) + w["action_query"] + positions(HORIZON)
        x = norm(f"{cross}.norm1", x + keep(mask(f"{cross}.after_self_attention"), attention(f"{cross}.self_attn", x, x)))
        x = norm(f"{cross}.norm2", x + keep(mask(f"{cross}.after_cross_attention"), attention(f"{cross}.cross_attn", x, memory)))
        hidden = keep(mask(f"{cross}.after_gelu"), gelu(linear(w, f"{cross}.ffn.0", x)))
        x = norm(f"{cross}.norm3", x + keep(mask(f"{cross}.after_ffn"), linear(w, f"{cross}.ffn.3", hidden)))
        out = linear(w, "output_proj", norm("output_norm", x))
        error = out - batch["target"]
        return (error * error).mean((0, 1, 2))


class PlainPredictor(Predictor):
    TOKEN = ROW


class Cvae:
    kind, prefix = "train-cvae", "model.net."
    LATENT, HIDDEN = 4, 16
    # Not projected, and no multiple of four.
    CONDITION = FRAMES * ROW
    zeros = []

    def config(self):
        return {
            "type": "step_image_cvae", "action_dim": ACTION, "horizon": HORIZON, "n_obs_steps": FRAMES, "latent_dim": self.LATENT,
            "hidden_dim": self.HIDDEN, "n_hidden_layers": 2, "activation": "relu", "latent_std": 1, "cond_dim": self.CONDITION, **IMAGE_KEYS,
        }

    def shapes(self):
        chunk, f = HORIZON * ACTION, self.HIDDEN
        network = {
            **linear_shapes("encoder_net.0", self.CONDITION + chunk, f), **linear_shapes("encoder_net.3", f, f),
            **linear_shapes("encoder_mean", f, self.LATENT), **linear_shapes("encoder_logstd", f, self.LATENT),
            **linear_shapes("decoder_net.0", self.CONDITION + self.LATENT, f), **linear_shapes("decoder_net.3", f, f), **linear_shapes("decoder_net.6", f, chunk),
        }
        projection = {} if self.CONDITION == FRAMES * ROW else linear_shapes("obs_projection", FRAMES * ROW, self.CONDITION)
        return {**encoder_shapes(), **{self.prefix + name: shape for name, shape in network.items()}, **projection}

    def inputs(self, random):
        return {
            "action": random.uniform(-1, 1, (STEPS, BATCH, HORIZON, ACTION)).astype(np.float32),
            "latent": random.standard_normal((STEPS, BATCH, self.LATENT)).astype(np.float32),
        }

    def sites(self):
        return {f"{name}.after_relu": (self.HIDDEN,) for name in ("encoder_net.0", "encoder_net.3", "decoder_net.0", "decoder_net.3")}

    def loss(self, weights, batch, step, masks):
        w = {name[len(self.prefix):] if name.startswith(self.prefix) else name: v for name, v in weights.items()}
        hidden = lambda name, x: keep(masks.get(f"{name}.after_relu"), relu(linear(w, name, x)))
        frames = rows_of(w, batch).reshape(BATCH, FRAMES * ROW)
        condition = frames if self.CONDITION == FRAMES * ROW else linear(w, "obs_projection", frames)
        chunk = Value(batch["action"].reshape(BATCH, -1))
        x = hidden("encoder_net.3", hidden("encoder_net.0", concatenate([condition, chunk], 1)))
        mean, log_deviation = linear(w, "encoder_mean", x), clamp(linear(w, "encoder_logstd", x), -6, 6)
        deviation = exp(log_deviation)
        latent = mean + deviation * batch["latent"]
        x = hidden("decoder_net.3", hidden("decoder_net.0", concatenate([condition, latent], 1)))
        error = linear(w, "decoder_net.6", x) - chunk
        kappa = min(0.1 + 0.001 * step, 2.0)
        divergence = ((mean * mean + deviation * deviation - 1.0) * 0.5 - log_deviation).sum(1).mean(0)
        return (error * error).mean((0, 1)) + divergence * kappa


class ProjectedCvae(Cvae):
    CONDITION = 20


NETWORKS = {"predictor": Predictor, "plain-predictor": PlainPredictor, "cvae": Cvae, "projected-cvae": ProjectedCvae}


class Case:
    def __init__(self, network):
        self.network = network
        self.shapes = network.shapes()
        random = np.random.default_rng(SEED)
        self.inputs = network.inputs(random)
        for camera in CAMERAS:
            # Pictures differ in brightness, so that means over their places do.
            base = random.uniform(20, 235, (STEPS, BATCH, FRAMES, 3, 1, 1))
            noise = random.uniform(-60, 60, (STEPS, BATCH, FRAMES, 3, HEIGHT, WIDTH))
            self.inputs[camera] = np.clip(base + noise, 0, 255).astype(np.uint8)
        self.inputs[STATE] = random.uniform(-2, 5, (STEPS, BATCH, FRAMES, STATE_DIM)).astype(np.float32)
        self.masks = {site: (random.uniform(size=(BATCH, *shape)) >= DROPOUT).astype(np.uint8) for site, shape in network.sites().items()}
        self.picks = np.full((len(self.shapes), SAMPLES), -1, np.int32)
        for row, shape in enumerate(self.shapes.values()):
            count = int(np.prod(shape))
            chosen = np.sort(random.choice(count, min(SAMPLES, count), replace=False))
            self.picks[row, : len(chosen)] = chosen
        self.formula, self.start = [], {}
        for number, (name, shape) in enumerate(self.shapes.items()):
            offset, scale = recipe(name, shape)
            made = formula_values(int(np.prod(shape)), number, offset, scale, SEED)
            self.formula.append({"tensor": name, "number": number, "offset": offset, "scale": scale, "sum": float(made.astype(np.float64).sum())})
            self.start[name] = made.reshape(shape)

    def evaluate(self, weights, step, dtype, masks={}):
        batch = {name: values[step].astype(dtype) for name, values in self.inputs.items()}
        leaves = {name: Value(values) for name, values in weights.items()}
        loss = self.network.loss(leaves, batch, step, masks)
        return float(loss.data.reshape(())), dict(zip(leaves, gradients(loss, list(leaves.values()))))

    def check(self):
        """Gradients against central differences, of the element of every tensor with the largest one, with and without dropout."""
        weights = {name: values.astype(np.float64) for name, values in self.start.items()}
        for masks in ({}, self.masks):
            _, found = self.evaluate(weights, 0, np.float64, masks)
            for name, gradient in found.items():
                if name in self.network.zeros:
                    continue
                at = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
                # Small: few ReLUs are undecided between the two points.
                h = 1e-8
                losses = []
                for sign in (1, -1):
                    moved = weights[name].copy()
                    moved[at] += sign * h
                    losses.append(self.evaluate({**weights, name: moved}, 0, np.float64, masks)[0])
                slope = (losses[0] - losses[1]) / (2 * h)
                assert abs(slope - gradient[at]) <= 1e-5 * abs(gradient[at]) + 3e-8, (name, slope, gradient[at])

    def run(self, name, dtype):
        run = RUNS[name]
        weights = {n: v.astype(dtype) for n, v in self.start.items()}
        first, second = ({n: np.zeros_like(v) for n, v in weights.items()} for _ in range(2))
        ema = {n: v.astype(np.float64) for n, v in self.start.items()}
        beta1, beta2 = run["betas"]
        found = {key: [] for key in ("loss", "norm", "factor", "rate", "decay", "weights", "ema")}
        for step in range(STEPS):
            rate = run["lr"] * 0.5 * (1 + math.cos(math.pi * step / (2 * STEPS)))
            loss, grads = self.evaluate(weights, step, dtype)
            if step == 0:
                found["gradients"] = grads
            norm = math.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in grads.values()))
            factor = 1.0 if run["clip_norm"] is None else min(1.0, run["clip_norm"] / (norm + 1e-6))
            decay = 0.0 if step == 0 else min(0.9999, 1 - (1 + step) ** -0.75)
            for n, g in grads.items():
                g, p = g * dtype(factor), weights[n]
                if run["optimizer"] == "adam":
                    g = g + dtype(run["weight_decay"]) * p
                else:
                    p = p - dtype(rate * run["weight_decay"]) * p
                first[n] = dtype(beta1) * first[n] + dtype(1 - beta1) * g
                second[n] = dtype(beta2) * second[n] + dtype(1 - beta2) * g * g
                step_size = dtype(rate / (1 - beta1 ** (step + 1)))
                weights[n] = p - step_size * first[n] / (np.sqrt(second[n]) / dtype(math.sqrt(1 - beta2 ** (step + 1))) + dtype(EPS))
                ema[n] = ema[n] - (1 - decay) * (ema[n] - weights[n])
            for key, one in (("loss", loss), ("norm", norm), ("factor", factor), ("rate", rate), ("decay", decay)):
                found[key].append(one)
            found["weights"].append({n: v.astype(np.float64) for n, v in weights.items()})
            found["ema"].append(dict(ema))
        return found


def recipe(name, shape):
    """Offset and scale of a tensor's formula."""
    if len(shape) == 1:
        return (1.0, 0.2) if "norm" in name and name.endswith("weight") else (0.0, 0.1)
    if name.endswith("action_query"):
        return 0.0, 0.5
    fan = int(np.prod(shape[1:]))
    return 0.0, math.sqrt((6 if ".net." in name and name.startswith(ENCODER) else 3) / fan)


def distances(found, exact, start, zeros):
    """How far a run of float32 is from that of float64."""
    relative = lambda a, b: max(abs(x - y) / abs(y) for x, y in zip(a, b))
    kept = [n for n in exact["gradients"] if n not in zeros]
    norm = lambda tensors: math.sqrt(sum(float((t**2).sum()) for t in tensors))
    far = lambda a, b, zero: norm(a[n] - b[n] for n in kept) / norm(b[n] - zero(n) for n in kept)
    worst = max((np.abs(found["gradients"][n] - exact["gradients"][n]).max() / np.abs(exact["gradients"][n]).max(), n) for n in kept)
    deltas = {f"delta_{s}_l2_rel": far(found["weights"][s - 1], exact["weights"][s - 1], lambda n: start[n].astype(np.float64)) for s in (1, STEPS)}
    return {"loss_max_rel": relative(found["loss"], exact["loss"]), "norm_max_rel": relative(found["norm"], exact["norm"]), "grad_worst_tensor": float(worst[0]), "grad_worst_name": worst[1], **deltas}


def main():
    kind, target = sys.argv[1:3]
    network = NETWORKS[kind]()
    case = Case(network)
    case.check()
    tensors = {f"input.{name}": values for name, values in case.inputs.items()}
    tensors |= {f"input.dropout_keep.{site}": values for site, values in case.masks.items()}
    tensors["sample_index"] = case.picks

    def sampled(name, values):
        flat = [values[n].reshape(-1) for n in case.shapes]
        rows = [np.where(row < 0, 0.0, f[np.maximum(row, 0)]) for f, row in zip(flat, case.picks)]
        tensors[f"{name}.samples"] = np.array(rows, np.float32)
        tensors[f"{name}.l2"] = np.array([math.sqrt(float((f**2).sum())) for f in flat], np.float32)

    start = {n: v.astype(np.float64) for n, v in case.start.items()}
    runs = {}
    for name, run in RUNS.items():
        exact = case.run(name, np.float64)
        sampled(f"expected.{name}.grad", exact["gradients"])
        for step in run["record_at"]:
            for label, key in (("delta", "weights"), *([("ema_delta", "ema")] if run["ema"] else [])):
                sampled(f"expected.{name}.{label}.{step}", {n: exact[key][step - 1][n] - start[n] for n in case.shapes})
        runs[name] = {
            **run,
            "eps": EPS,
            "loss": exact["loss"],
            "grad_norm": exact["norm"],
            "lr_used": exact["rate"],
            "clip_factor": exact["factor"] if run["clip_norm"] else None,
            "ema_decay": exact["decay"] if run["ema"] else None,
            "float32": distances(case.run(name, np.float32), exact, case.start, network.zeros),
        }
        print(name, json.dumps(runs[name]["float32"], indent=1), exact["norm"], exact["loss"], flush=True)
    loss, dropped = case.evaluate(start, 0, np.float64, case.masks)
    sampled("expected.dropout.grad", dropped)
    folder = os.path.join(target, "predictor")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(network.config(), file, indent=2)
    width = getattr(network, "D", 0)
    described = {
        "name": os.path.basename(os.path.normpath(target)),
        "kind": network.kind,
        "batch": BATCH,
        "steps": STEPS,
        "parameters": [{"name": name, "shape": list(shape)} for name, shape in case.shapes.items()],
        "samples_per_tensor": SAMPLES,
        "zero_gradient": [{"tensor": name, "rows": [width, 2 * width], "why": "key bias: softmax does not change when all scores of a query shift"} for name in network.zeros],
        "runs": runs,
        "dropout": {"p": DROPOUT, "loss": loss},
        "weights_formula": {"seed": SEED, "tensors": case.formula},
        "note": "by test/support/reference/image_start_case.py, float64",
    }
    with open(os.path.join(target, "case.json"), "w") as file:
        json.dump(described, file, indent=1)
    write_tensors(os.path.join(target, "case.safetensors"), tensors)


if __name__ == "__main__":
    main()
