"""What a whole scene shares: time of day, season, light and the colors that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.stable_random import StableRandom

Color = tuple[int, int, int]


@dataclass(frozen=True)
class TimeOfDay:
    """Sky and light of a time of day; colors are RGB 0..255, ``light`` multiplies colors."""

    sky_top: Color
    sky_bottom: Color
    cloud: Color
    sun: Color
    light: tuple[float, float, float]
    lamps_on: bool = False


@dataclass(frozen=True)
class Season:
    """Vegetation colors of a season, RGB 0..255."""

    grass: Color
    foliage: tuple[Color, ...]
    speckle: Color
    snow: bool = False


TIMES = {
    'morning': TimeOfDay(
        (120, 160, 215), (250, 222, 190), (250, 235, 225), (255, 245, 215), (1.0, 0.93, 0.82)
    ),
    'noon': TimeOfDay(
        (62, 124, 214), (176, 214, 244), (250, 250, 252), (255, 255, 240), (1.06, 1.05, 1.0)
    ),
    'overcast': TimeOfDay(
        (142, 150, 162), (200, 205, 210), (224, 226, 230), (215, 217, 220), (0.80, 0.83, 0.88)
    ),
    'sunset': TimeOfDay(
        (86, 72, 134), (250, 146, 78), (244, 176, 140), (255, 226, 150), (0.98, 0.75, 0.61)
    ),
    'night': TimeOfDay(
        (10, 14, 42), (44, 54, 98), (48, 54, 86), (236, 236, 220), (0.36, 0.42, 0.62), True
    ),
}
SEASONS = {
    'spring': Season(
        (118, 172, 66), ((226, 160, 186), (132, 178, 72), (240, 200, 214)), (246, 226, 90)
    ),
    'summer': Season((86, 142, 54), ((50, 106, 44), (66, 124, 50), (40, 92, 52)), (130, 170, 70)),
    'autumn': Season(
        (156, 140, 66), ((206, 108, 34), (182, 62, 32), (222, 172, 48)), (196, 100, 40)
    ),
    'winter': Season(
        (226, 230, 240), ((150, 146, 150), (168, 172, 184)), (204, 210, 226), snow=True
    ),
}
# One town builds with one family of colors, and so does the next picture of the same town.
WALL_FAMILIES = (
    ((178, 92, 70), (160, 76, 62), (196, 116, 88)),
    ((232, 206, 150), (222, 180, 120), (240, 224, 184)),
    ((186, 200, 208), (160, 178, 190), (214, 220, 222)),
    ((150, 176, 150), (214, 200, 160), (222, 160, 150)),
)
ROOFS = ((158, 66, 50), (84, 88, 104), (122, 86, 62))


@dataclass(frozen=True)
class SceneContext:
    """Everything the parts of one scene have in common.

    Args:
        time: Time of day.
        season: Season.
        light: (3,) color of the light.
        sun_x: Position of the sun in x, outside [0, 1] if it is not in the picture.
        sun_y: Height of the sun in y.
        sun_side: -1 where the light comes from the left, 1 from the right.
        horizon: Height of the horizon in y.
        walls: Wall colors of the town, RGB 0..255.
        roof: Roof color of the town.
        foliage: Color of the deciduous trees.
        lane_mark: Color of the lane marks.
    """

    time: TimeOfDay
    season: Season
    light: np.ndarray
    sun_x: float
    sun_y: float
    sun_side: int
    horizon: float
    walls: tuple[Color, ...]
    roof: Color
    foliage: Color
    lane_mark: Color

    @classmethod
    def draw(cls, random: StableRandom) -> SceneContext:
        """Draw a context.

        Args:
            random: Stream that decides.

        Returns:
            The context.
        """
        time = TIMES[random.choice(tuple(TIMES))]
        season = SEASONS[random.choice(tuple(SEASONS))]
        sun_x = random.uniform(-0.3, 1.3)
        horizon = random.uniform(0.40, 0.50)
        return cls(
            time=time,
            season=season,
            light=np.array(time.light) * random.uniform(0.92, 1.06),
            sun_x=sun_x,
            sun_y=random.uniform(0.08, horizon - 0.1),
            sun_side=1 if sun_x > 0.5 else -1,
            horizon=horizon,
            walls=random.choice(WALL_FAMILIES),
            roof=random.choice(ROOFS),
            foliage=random.choice(season.foliage),
            lane_mark=random.choice(((236, 236, 230), (240, 200, 60))),
        )

    def sky_at(self, y: np.ndarray) -> np.ndarray:
        """Color of the clear sky.

        Args:
            y: (H,1) heights.

        Returns:
            (H,1,3) RGB 0..255.
        """
        top, bottom = np.array(self.time.sky_top), np.array(self.time.sky_bottom)
        share = np.minimum(y / self.horizon, 1.0)[..., None]
        return top + share * (bottom - top)
