"""Learning curves in a table and in words, on numbers that can be checked by eye."""

from __future__ import annotations

from lfs_core.findings.learning_curves import learning_curves_table, what_heads_lack

BIRDS = "efficientnet-lite0-cub"


def row(draw: int, share: float, way: str, classes: int, partners: float) -> dict[str, object]:
    counted = {"classes": classes, "images": 60 * classes, "itself": partners / 2}
    return {"draw": draw, "share": share, "way": way, "partners": partners, **counted}


CURVES = {
    BIRDS: [
        row(0, 0.25, "classes", 8, 0.9),
        row(0, 0.25, "photographs", 31, 0.8),
        row(0, 1.0, "all", 31, 0.6),
        row(1, 0.25, "classes", 8, 0.7),
        row(1, 0.25, "photographs", 31, 0.74),
        row(1, 1.0, "all", 31, 0.5),
    ]
}


def test_a_line_for_each_share_and_way() -> None:
    table = learning_curves_table(CURVES)
    birds = "EfficientNet-Lite0 (CUB-200 birds)"
    assert table.index.tolist() == [
        (birds, "a quarter of the classes, whole"),
        (birds, "a quarter of each class"),
        (birds, "all"),
    ]
    line = table.loc[(birds, "a quarter of the classes, whole")]
    assert line["classes"] == "8" and line["photographs"] == "480"
    assert line["partner: others"] == "80% (70% to 90%)"
    assert line["partner: the image itself"] == "40% (35% to 45%)"


def test_what_heads_lack_is_counted_draw_by_draw() -> None:
    told = what_heads_lack(CURVES)
    assert "a quarter of the classes, the head leaves 80%" in told
    assert "on a quarter of each class, 77%; on all, 55%" in told
    assert "worse than fewer photographs of each in 1 of 2 draws" in told
