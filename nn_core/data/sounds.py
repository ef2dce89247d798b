"""Short sounds as pictures: tones, chirps and noise, their log-spectrograms, and WAV files (F179's one toy)."""

import wave
from pathlib import Path

import numpy as np

from nn_core.data.checks import check_float, check_int
from nn_core.data.dataset import Dataset, make_dataset

SOUNDS = ("tone", "chirp", "noise")
RATE = 8000  # samples a second
SAMPLES = 4224  # of a sound, 0.53 s: 32 frames
FRAME, HOP = 256, 128  # samples of a frame, and between two
BANDS, FRAMES = 32, 32  # height and width of the picture
FLOOR = 1e-4  # power below which nothing is heard
LONGEST = 60 * 48_000  # samples that are read of a file


def sounds(*, num_examples: int = 900, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Log-spectrograms of tones, of chirps that rise or fall, and of noise.

    Args:
        num_examples: N >= 3; the classes have equal shares.
        noise: standard deviation of the noise under tones and chirps, of amplitude 0.3 to 1; >= 0.
        seed: of pitch, loudness, phase, noise.
    Returns:
        inputs (N, 32, 32, 1) in [0, 1]: low pitches above, time from left to right; targets index SOUNDS.
    """
    check_int("num_examples", num_examples, 3, 100_000)
    check_float("noise", noise, 0.0)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    kinds_N = rng.permutation(np.arange(num_examples) % len(SOUNDS))
    pictures = [spectrogram(make_sound(rng, SOUNDS[kind], noise)) for kind in kinds_N]
    return make_dataset(np.stack(pictures), kinds_N, target_names=SOUNDS)


def make_sound(rng: np.random.Generator, kind: str, noise: float = 0.1) -> np.ndarray:
    """One sound of a kind in SOUNDS: (SAMPLES,) float64 in about [-1, 1]."""
    loudness, phase = rng.uniform(0.3, 1.0), rng.uniform(0, 2 * np.pi)
    time = np.arange(SAMPLES) / RATE
    if kind == "noise":
        return loudness * rng.normal(scale=0.5, size=SAMPLES)
    low, high = np.sort(rng.uniform(200, 3500, size=2))
    if kind == "tone":
        first = last = low
    else:
        high = max(high, low + 700)
        first, last = (low, high) if rng.random() < 0.5 else (high, low)
    pitch = first + (last - first) * time / time[-1] / 2  # half: the phase is the integral of the pitch
    return loudness * np.sin(2 * np.pi * pitch * time + phase) + rng.normal(scale=noise, size=SAMPLES)


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """The power of 32 bands of pitch at 32 times, as logarithms between the floor and the loudest: (32, 32, 1) in [0, 1].

    Args:
        samples: (N,) at RATE; shorter ones are filled with silence, longer ones cut.
    """
    padded = np.zeros(SAMPLES)
    padded[: min(len(samples), SAMPLES)] = samples[:SAMPLES]
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:FRAMES]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)[:, 1:]) ** 2 / FRAME
    bands = power.reshape(FRAMES, BANDS, -1).mean(axis=2)
    logs = np.log(bands + FLOOR) - np.log(FLOOR)
    return (logs / max(float(logs.max()), 1e-9)).T[..., None].astype(np.float32)


def read_sound(path: Path) -> np.ndarray:
    """A WAV file of 8 or 16 bits as samples in [-1, 1] at RATE, its channels averaged.

    Raises:
        ValueError: no such file, no WAV file, or one of another kind.
    """
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            raw = file.readframes(min(file.getnframes(), LONGEST))
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, EOFError, wave.Error) as error:
        reason = str(error) or "it ends too early"
        raise ValueError(f"{path} is not a WAV file that can be read ({reason}); convert it to 16 bits") from None
    if width not in (1, 2) or rate < 1 or channels < 1:
        raise ValueError(f"{path} has {8 * width} bits a sample; convert it to 16 bits")
    kept = len(raw) // (width * channels) * width * channels
    numbers = np.frombuffer(raw[:kept], "<i2" if width == 2 else np.uint8).astype(np.float64)
    samples = numbers / 32768.0 if width == 2 else (numbers - 128.0) / 128.0
    mono = samples.reshape(-1, channels).mean(axis=1)
    if len(mono) == 0:
        raise ValueError(f"{path} holds no samples")
    if rate == RATE:
        return mono
    times = np.arange(int(len(mono) * RATE / rate)) / RATE
    return np.interp(times, np.arange(len(mono)) / rate, mono)
