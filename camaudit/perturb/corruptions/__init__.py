"""Natural corruptions by name: what weather, lenses, sensors and files do to a picture. Torch-free.

After D. Hendrycks and T. Dietterich, “Benchmarking neural network robustness to common corruptions and
perturbations”, ICLR 2019. Others join by an entry point in the group ``camaudit.corruptions`` that names a
`camaudit.perturb.member.Member`.
"""

from __future__ import annotations

CORRUPTIONS: dict[str, str] = {
    "gaussian_noise": "camaudit.perturb.corruptions.members:gaussian_noise",
    "shot_noise": "camaudit.perturb.corruptions.members:shot_noise",
    "impulse_noise": "camaudit.perturb.corruptions.members:impulse_noise",
    "speckle_noise": "camaudit.perturb.corruptions.members:speckle_noise",
    "gaussian_blur": "camaudit.perturb.corruptions.members:gaussian_blur",
    "defocus_blur": "camaudit.perturb.corruptions.members:defocus_blur",
    "motion_blur": "camaudit.perturb.corruptions.members:motion_blur",
    "zoom_blur": "camaudit.perturb.corruptions.members:zoom_blur",
    "fog": "camaudit.perturb.corruptions.members:fog",
    "brightness": "camaudit.perturb.corruptions.members:brightness",
    "contrast": "camaudit.perturb.corruptions.members:contrast",
    "pixelate": "camaudit.perturb.corruptions.members:pixelate",
    "jpeg_compression": "camaudit.perturb.corruptions.members:jpeg_compression",
}
