"""What plays, as a film."""

import numpy as np
import pytest
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from PIL import Image

from motornet_nb.page import films
from motornet_nb.page.films import Film, film_of, plays, save_film


@pytest.fixture
def playing():
    "A bar that grows during half a second, from its foot to the top of the frame."
    seconds = np.arange(0, 0.501, 0.01)
    bar = ColumnDataSource({"x": [0.5], "top": [0.0]})
    p = figure(width=301, height=201, x_range=(0, 1), y_range=(0, 1))
    p.vbar("x", 1.0, "top", source=bar, color="#000000")
    plays(p, Film(seconds, lambda k: bar.data.update(top=[seconds[k] / 0.5])))
    return p, bar


def black(picture):
    return float((np.asarray(picture.convert("L")) < 60).mean())


@pytest.mark.parametrize(("speed", "pictures"), [(1.0, 13), (0.5, 26)])
def test_a_gif_has_its_pictures_and_its_time(playing, tmp_path, speed, pictures):
    "25 a second; half the speed is twice as long; it grows from picture to picture, and the view begins again."
    p, bar = playing
    save_film(p, tmp_path / "bar.gif", speed=speed)
    with Image.open(tmp_path / "bar.gif") as film:
        dark = []
        for k in range(film.n_frames):
            film.seek(k)
            dark.append(black(film))
        assert film.n_frames == pictures and film.info["duration"] == 40
    assert (np.diff(dark) > 0).all() and bar.data["top"] == [0.0]


def test_an_mp4_is_read_back(playing, tmp_path):
    "H.264 of even size, with as many pictures, in order."
    import av

    save_film(playing[0], tmp_path / "bar.mp4")
    with av.open(str(tmp_path / "bar.mp4")) as film:
        (stream,) = film.streams.video
        pictures = [frame.to_image() for frame in film.decode(stream)]
        assert stream.codec_context.name == "h264" and stream.average_rate == 25
    assert len(pictures) == 13 and all(n % 2 == 0 for n in pictures[0].size)
    assert (np.diff([black(p) for p in pictures]) > 0.01).all()


def test_what_does_not_play_is_refused(playing, tmp_path, monkeypatch):
    "In words; and an .mp4 without PyAV says what to install."
    still = figure()
    assert film_of(still) is None
    with pytest.raises(ValueError, match="does not play"):
        save_film(still, tmp_path / "still.gif")
    with pytest.raises(ValueError, match="speed = 0"):
        save_film(playing[0], tmp_path / "bar.gif", speed=0)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImportError, match=r"pip install motornet_nb\[video\]"):
        save_film(playing[0], tmp_path / "bar.mp4")
    assert not list(tmp_path.iterdir()) and films.FILMS == (".mp4", ".gif")
