"""LeRobot's diffusion policy with a camera in PyTorch, written from docs and formulas alone: ResNet-18 with group or batch norm, spatial
softmax, conditional U-Net. Module names are those of LeRobot's state dict without the prefix `diffusion.`. Any dtype: float64 is the
reference, float32 the yardstick of what an engine of float32 can reach."""
import math

import torch
import torch.nn.functional as F
from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
GROUP_CHANNELS = 16


def norm_of(kind, channels):
    return nn.GroupNorm(channels // GROUP_CHANNELS, channels) if kind == "group" else nn.BatchNorm2d(channels)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = norm_of(norm, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = norm_of(norm, outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm_of(norm, outputs))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.bn2(self.conv2(h))
        return F.relu(h + (x if self.downsample is None else self.downsample(x)))


class Keypoints(nn.Module):
    """Spatial softmax."""

    def __init__(self, channels, keypoints, height, width):
        super().__init__()
        self.nets = nn.Conv2d(channels, keypoints, 1)
        y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        self.register_buffer("pos_grid", torch.stack((x.reshape(-1), y.reshape(-1)), 1))

    def forward(self, x):
        return F.softmax(self.nets(x).flatten(2), -1) @ self.pos_grid


class Encoder(nn.Module):
    def __init__(self, norm, keypoints, sides):
        super().__init__()
        stages = []
        channels = 64
        for stage in range(4):
            width = 64 << stage
            stages.append(
                nn.Sequential(BasicBlock(channels, width, 2 if stage else 1, norm), BasicBlock(width, width, 1, norm))
            )
            channels = width
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), norm_of(norm, 64), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *stages
        )
        self.pool = Keypoints(512, keypoints, *(math.ceil(side / 32) for side in sides))
        self.out = nn.Linear(2 * keypoints, 2 * keypoints)

    def forward(self, x):
        return F.relu(self.out(self.pool(self.backbone(x)).flatten(1)))


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, groups):
        super().__init__()
        self.block = nn.Sequential(nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(groups, outputs), nn.Mish())

    def forward(self, x):
        return self.block(x)


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, condition, kernel, groups):
        super().__init__()
        self.conv1 = ConvBlock(inputs, outputs, kernel, groups)
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(condition, 2 * outputs))
        self.conv2 = ConvBlock(outputs, outputs, kernel, groups)
        self.residual_conv = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, condition):
        scale, shift = self.cond_encoder(condition).unsqueeze(-1).chunk(2, dim=1)
        return self.conv2(scale * self.conv1(x) + shift) + self.residual_conv(x)


class Embedding(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, timesteps):
        half = self.size // 2
        exponents = torch.exp(torch.arange(half, dtype=torch.float64) * -(math.log(10000) / (half - 1)))
        angles = timesteps.unsqueeze(-1) * exponents.unsqueeze(0)
        return torch.cat((angles.sin(), angles.cos()), -1)


class Unet(nn.Module):
    def __init__(self, actions, widths, kernel, groups, embed, conditioning):
        super().__init__()
        self.diffusion_step_encoder = nn.Sequential(
            Embedding(embed), nn.Linear(embed, 4 * embed), nn.Mish(), nn.Linear(4 * embed, embed)
        )
        condition = embed + conditioning
        block = lambda a, b: ResidualBlock(a, b, condition, kernel, groups)
        sizes = list(zip([actions, *widths[:-1]], widths))
        self.down_modules = nn.ModuleList()
        for index, (a, b) in enumerate(sizes):
            last = index + 1 == len(sizes)
            self.down_modules.append(nn.ModuleList([block(a, b), block(b, b), nn.Identity() if last else nn.Conv1d(b, b, 3, 2, 1)]))
        self.mid_modules = nn.ModuleList([block(widths[-1], widths[-1]) for _ in range(2)])
        self.up_modules = nn.ModuleList()
        for a, b in reversed(sizes[1:]):
            self.up_modules.append(nn.ModuleList([block(2 * b, a), block(a, a), nn.ConvTranspose1d(a, a, 4, 2, 1)]))
        self.final_conv = nn.Sequential(ConvBlock(widths[0], widths[0], kernel, 8), nn.Conv1d(widths[0], actions, 1))

    def forward(self, sample, timesteps, conditioning):
        embedding = self.diffusion_step_encoder[0](timesteps).to(sample.dtype)
        condition = torch.cat((self.diffusion_step_encoder[1:](embedding), conditioning), 1)
        x, skips = sample.transpose(1, 2), []
        for first, second, strided in self.down_modules:
            x = second(first(x, condition), condition)
            skips.append(x)
            x = strided(x)
        for block in self.mid_modules:
            x = block(x, condition)
        for first, second, strided in self.up_modules:
            x = strided(second(first(torch.cat((x, skips.pop()), 1), condition), condition))
        return self.final_conv(x).transpose(1, 2)


class ImagePolicy(nn.Module):
    """`config`: config.json of a LeRobot policy with one camera and a state."""

    def __init__(self, config):
        super().__init__()
        state = config["input_features"]["observation.state"]["shape"][0]
        actions = config["output_features"]["action"]["shape"][0]
        keypoints = config["spatial_softmax_num_keypoints"]
        norm = "group" if config["use_group_norm"] else "batch"
        self.rgb_encoder = Encoder(norm, keypoints, config["crop_shape"])
        self.unet = Unet(
            actions,
            config["down_dims"],
            config["kernel_size"],
            config["n_groups"],
            config["diffusion_step_embed_dim"],
            config["n_obs_steps"] * (state + 2 * keypoints),
        )
        self.crop = config["crop_shape"]

    def condition(self, state, pictures, crop):
        """state [b, To, S] normalised, pictures u8 [b, To, 3, h, w], crop (top, left) of all of them."""
        b, steps = state.shape[:2]
        dtype = state.dtype
        mean, std = (torch.tensor(values, dtype=dtype).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        x = (pictures.to(dtype) / 255 - mean) / (std + 1e-8)
        top, left = crop
        x = x[..., top : top + self.crop[0], left : left + self.crop[1]]
        features = self.rgb_encoder(x.flatten(0, 1))
        return torch.cat((state, features.view(b, steps, -1)), -1).flatten(1)

    def forward(self, noisy, timesteps, state, pictures, crop):
        self.global_cond = self.condition(state, pictures, crop)
        return self.unet(noisy, timesteps, self.global_cond)
