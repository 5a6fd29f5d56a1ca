"""What the editor says of size and price is what an SMS is written and paid as."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine import notification_text
from gateway.engine.notification_text import Body
from gateway.messages import Category
from gateway.settings import Sender
from gateway.store import holdings, mts
from gateway.text import fit
from gateway.usecases import template_measures, templates, writing
from gateway.usecases.template_measures import POLICIES, costly
from tests.campaigns.conftest import AWA, A, Town
from tests.campaigns.test_templates import AUTHOR, draft

SENDER = Sender(channel="at", cost_f=12)


def measured(town: Town, text: str, **more: Any) -> Any:
    (one,) = templates.measured(town.parts, AUTHOR, A, draft(text, **more))
    return one


BOUNDARIES = [
    ("a" * 160, "plain", ("GSM-7", 160, 1, 10), "one segment"),
    ("a" * 161, "plain", ("GSM-7", 161, 2, 20), "two"),
    ("a" * 306, "plain", ("GSM-7", 306, 2, 20), "two, full"),
    ("a" * 307, "plain", ("GSM-7", 307, 3, 30), "three"),
    ("ɖ" * 70, "exact", ("UCS-2", 70, 1, 10), "one segment of UCS-2"),
    ("ɖ" * 71, "exact", ("UCS-2", 71, 2, 20), "two"),
    ("ɖ" * 71, "plain", ("GSM-7", 71, 1, 10), "one, without its letters"),
    ("ɖ" * 70, "shortest", ("UCS-2", 70, 1, 10), "its letters cost nothing"),
    ("ɖ" * 71, "shortest", ("GSM-7", 71, 1, 10), "its letters would cost one more"),
    ("a" * 80 + "€", "plain", ("GSM-7", 82, 1, 10), "a euro is two"),
    ("a" * 80 + "漢", "plain", ("UCS-2", 81, 2, 20), "a letter without a plain form keeps all"),
]


@pytest.mark.parametrize(("text", "policy", "measure", "remark"), BOUNDARIES)
def test_sizes_and_prices(sqlite_town: Town, text: str, policy: Any, measure: Any, remark: str) -> None:
    found = measured(sqlite_town, text, policy=policy)
    assert (found.encoding, found.units, found.segments, found.cost_f) == measure, remark
    assert [one.policy for one in found.choices] == list(POLICIES)


def test_the_price_is_that_of_the_sender(sqlite_town: Town) -> None:
    assert (measured(sqlite_town, "a").cost_f, measured(sqlite_town, "a", sender="anip").cost_f) == (10, 20)


def test_shortest_example_and_longest(sqlite_town: Town) -> None:
    found = measured(
        sqlite_town,
        "Bonjour {nom}[, rendez-vous le {date}].",
        sizes={"nom": 40, "date": 10},
        examples={"nom": "Awa Dossou"},
    ).chosen
    assert found.shortest.text == "Bonjour x."
    assert found.example.text == "Bonjour Awa Dossou, rendez-vous le date."
    assert found.longest.text == f"Bonjour {'x' * 40}, rendez-vous le {'x' * 10}."


def test_a_value_with_an_accent_counts_where_accents_are_kept(sqlite_town: Town) -> None:
    text = "a" * 60 + "{nom}"
    exact, plain, _ = measured(sqlite_town, text, sizes={"nom": 30}).choices
    assert (plain.longest.segments, plain.longest.encoding) == (1, "GSM-7")
    assert (exact.longest.units, exact.longest.encoding) == (70, "UCS-2")  # 60 and a third of 30
    exact, *_ = measured(sqlite_town, "a" + text, sizes={"nom": 30}).choices
    assert exact.longest.segments == 2


def test_what_costs(sqlite_town: Town) -> None:
    found = measured(sqlite_town, "Fête à Ɖɔvɛ̃, ɔ 漢 ê €").costly
    assert [(one.character, one.count, one.plain) for one in found] == [
        ("ê", 2, "e"), ("Ɖ", 1, "D"), ("ɔ", 2, "o"), ("ɛ̃", 1, "e"), ("漢", 1, None),
    ]  # fmt: skip
    assert costly("à é è ù ì ò Ç") == ()
    assert [one.lost for one in measured(sqlite_town, "漢").choices] == [False, True, True]


def test_sizes_that_are_none_do_no_harm(sqlite_town: Town) -> None:
    for size in (-5, 0, 10**9):
        assert measured(sqlite_town, "a {nom}", sizes={"nom": size}).segments <= 2


LATIN = "abcXYZ éèàçêôÀÊɖɔɛẹọ0123456789.,-'"
TEXTS = st.lists(
    st.one_of(st.text(LATIN + "\n", max_size=60), st.sampled_from(["{a}", "{b}", "[x {a}]", "[{b} {a}]"])), max_size=8
).map("".join)


@given(
    TEXTS,
    st.fixed_dictionaries({"a": st.text(LATIN, max_size=80), "b": st.text(LATIN, max_size=80)}),
    st.fixed_dictionaries({"a": st.integers(6, 60), "b": st.integers(6, 60)}),
    st.sampled_from(POLICIES),
    st.sampled_from([0, 12]),
)
@settings(max_examples=300, deadline=None)
def test_no_latin_value_makes_it_larger_than_the_longest(
    text: str, values: dict[str, str], sizes: dict[str, int], policy: fit.Policy, appends: int
) -> None:
    body = Body({"fr": text}, ("fr",), {name: sizes[name] for name in notification_text.read(text).names})
    sender = SENDER.model_copy(update={"appends": appends})
    said = {name: fit.shortened(values[name], sizes[name], policy) for name in body.placeholders}
    leaves = fit.fit(notification_text.render(body, "fr", said), policy, appends)
    (found,) = template_measures.of_body(body, policy, sender)
    assert leaves.segments <= found.segments
    if not body.placeholders:
        assert (leaves.segments, leaves.encoding) == (found.segments, found.encoding)


def test_what_is_measured_is_what_is_written(sqlite_town: Town, now: datetime) -> None:
    parts = sqlite_town.parts

    @given(TEXTS.filter(str.strip), st.sampled_from(POLICIES))
    @settings(max_examples=60, deadline=None)
    def written(text: str, policy: fit.Policy) -> None:
        found = measured(sqlite_town, text, policy=policy).chosen.example
        with parts.database.begin() as conn:
            holding = holdings.open_holding(conn, parts.seals, AWA, now)
            new = writing.Text(
                holding_id=holding,
                msisdn=AWA,
                text=found.text,
                template="v1",
                category=Category.VITAL,
                language="fr",
                policy=policy,
            )
            mt = writing.write(conn, parts, new, now)
            assert mt is not None
            stored = mts.list_page(conn, 1)[0]
        assert (stored.id, stored.segments, stored.cost_f) == (mt, found.segments, found.cost_f)

    written()
