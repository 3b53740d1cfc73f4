#!/usr/bin/env python3
"""LeRobot's side of lerobot.nightly.test.ts, which runs it with a Python that has LeRobot v0.4.4 or newer.

    python lerobot_peer.py SAVED FOLDER...

Below SAVED, LeRobot saves policies of its own with random weights. Then it loads those and every FOLDER strictly, decides once, and writes
FOLDER.case.safetensors: observations in the units of the robot, noise, and what it answers. Prints a line of JSON for each folder.
"""

import contextlib
import json
import sys
from pathlib import Path

import diffusers.schedulers.scheduling_ddpm as ddpm
import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.factory import make_pre_post_processors
from safetensors.torch import load_file, save_file

SIZES = {
    "down_dims": (16, 32),
    "n_groups": 4,
    "diffusion_step_embed_dim": 16,
    "horizon": 16,
    "n_action_steps": 8,
    "noise_scheduler_type": "DDIM",
    "num_inference_steps": 4,
    # What a network says that nobody trained would mostly be clipped at 1, and what is clipped is the same whatever it was.
    "clip_sample_range": 4.0,
    "pretrained_backbone_weights": None,
    "device": "cpu",
    "push_to_hub": False,
}
ACTION = PolicyFeature(FeatureType.ACTION, (4,))
STATE = {"observation.state": PolicyFeature(FeatureType.STATE, (3,))}
ENVIRONMENT = {"observation.environment_state": PolicyFeature(FeatureType.ENV, (5,))}


def camera(name, height, width):
    return {f"observation.images.{name}": PolicyFeature(FeatureType.VISUAL, (3, height, width))}


def policies():
    """Inputs and settings of each policy that LeRobot saves. Its cameras are not in the order of the alphabet."""
    modes = {
        "STATE": NormalizationMode.QUANTILES,
        "ENV": NormalizationMode.QUANTILE10,
        "VISUAL": NormalizationMode.IDENTITY,
        "ACTION": NormalizationMode.MEAN_STD,
    }
    samples = {
        "noise_scheduler_type": "DDPM",
        "num_inference_steps": 7,
        "prediction_type": "sample",
        "beta_schedule": "linear",
        "clip_sample_range": 0.8,
        "n_obs_steps": 3,
        "use_film_scale_modulation": False,
    }
    shared = {
        "use_group_norm": True,
        "use_separate_rgb_encoder_per_camera": False,
        "resize_shape": (48, 60),
        "crop_ratio": 0.9,
    }
    return {
        "ddpm-of-samples": (STATE | ENVIRONMENT, samples),
        "quantiles": (STATE | ENVIRONMENT, {"normalization_mapping": modes, "clip_sample": False}),
        "cameras-by-default": (STATE | camera("wrist", 40, 48) | camera("front", 40, 48), {}),
        "cameras-shared-resized": (STATE | camera("wrist", 60, 72) | camera("front", 60, 72) | ENVIRONMENT, shared),
    }


def statistics_of(feature):
    """Random limits, and what lies between them; those of a picture are of its channels."""
    shape = (3, 1, 1) if feature.type is FeatureType.VISUAL else feature.shape
    least, width = torch.randn(shape), 1 + torch.rand(shape)
    shares = {"min": 0.0, "q01": 0.02, "q10": 0.1, "mean": 0.45, "q50": 0.5, "q90": 0.88, "q99": 0.97, "max": 1.0}
    return {name: least + share * width for name, share in shares.items()} | {"std": 0.3 * width}


def save(folder, inputs, settings):
    config = DiffusionConfig(**(SIZES | settings), input_features=inputs, output_features={"action": ACTION})
    policy = DiffusionPolicy(config)
    for name, values in policy.named_buffers():
        if name.endswith("running_mean"):
            values.normal_(0, 0.1)
        elif name.endswith("running_var"):
            values.uniform_(0.5, 2)
    statistics = {name: statistics_of(feature) for name, feature in {**inputs, "action": ACTION}.items()}
    for part in (policy, *make_pre_post_processors(config, dataset_stats=statistics)):
        part.save_pretrained(folder)


def observations(config, statistics):
    """Frames [n_obs_steps, ...] by name, for a person and for a network: vectors within their limits, pictures as bytes [height, width, 3]."""
    raw, batch = {}, {}
    for name, feature in config.input_features.items():
        if feature.type is FeatureType.VISUAL:
            _, height, width = feature.shape
            raw[name] = torch.randint(0, 256, (config.n_obs_steps, height, width, 3), dtype=torch.uint8)
            batch[name] = raw[name].permute(0, 3, 1, 2).float()[None] / 255
        else:
            least, most = statistics[f"{name}.min"], statistics[f"{name}.max"]
            raw[name] = least + (most - least) * torch.rand(config.n_obs_steps, *feature.shape)
            batch[name] = raw[name][None].clone()
    return raw, batch


def answer(folder):
    policy = DiffusionPolicy.from_pretrained(folder, strict=True)
    policy.eval()
    config = policy.config
    preprocess, postprocess = make_pre_post_processors(config, pretrained_path=str(folder))
    [state_file] = folder.glob("policy_preprocessor_step_*_normalizer_processor.safetensors")
    raw, batch = observations(config, load_file(state_file))
    noise = torch.randn(1, config.horizon, *config.action_feature.shape)

    step_noise, chunks = [], []
    draw, sample = ddpm.randn_tensor, policy.diffusion.conditional_sample
    ddpm.randn_tensor = kept_in(step_noise, draw)
    policy.diffusion.conditional_sample = kept_in(chunks, sample)
    try:
        with torch.no_grad():
            normalized = preprocess(batch)
            if config.image_features:
                normalized["observation.images"] = torch.stack([normalized[name] for name in config.image_features], dim=-4)
            actions = postprocess(policy.diffusion.generate_actions(normalized, noise=noise))
    finally:
        ddpm.randn_tensor = draw

    case = {**raw, "noise": noise[0], "normalized_chunk": chunks[0][0], "actions": actions[0]}
    if step_noise:
        case["step_noise"] = torch.cat(step_noise)
    save_file({name: values.contiguous() for name, values in case.items()}, f"{folder}.case.safetensors")

    own, stored = set(policy.state_dict()), set(load_file(folder / "model.safetensors"))
    # PyTorch fills in this counter, which nothing reads.
    missing = [name for name in own - stored if not name.endswith("num_batches_tracked")]
    return {"folder": str(folder), "missing": sorted(missing), "unexpected": sorted(stored - own)}


def kept_in(results, function):
    """The same function, whose results are kept."""

    def keeping(*args, **named):
        results.append(function(*args, **named))
        return results[-1]

    return keeping


def main():
    torch.set_num_threads(1)
    saved, *folders = map(Path, sys.argv[1:])
    # LeRobot prints what it is at; only what is returned is for the test.
    with contextlib.redirect_stdout(sys.stderr):
        for seed, (name, (inputs, settings)) in enumerate(policies().items()):
            torch.manual_seed(seed)
            save(saved / name, inputs, settings)
            folders.append(saved / name)
        torch.manual_seed(7)
        answers = [answer(folder) for folder in folders]
    for one in answers:
        print(json.dumps(one))


main()
