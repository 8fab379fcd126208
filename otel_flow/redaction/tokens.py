"""
Secrets that are known by their shape: tokens of providers, JSON Web Tokens, private keys.

Each pattern begins with a literal, so that one expression finds all the places where one
may begin. None can backtrack over more than its own bound: quantifiers are possessive or
stand at the end.
"""

from __future__ import annotations

import dataclasses
import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from otel_flow.redaction.slices import Step

    Mark = Callable[[str, str], str]


@dataclasses.dataclass(frozen=True, slots=True)
class TokenPattern:
    """
    One shape of a secret.

    The secret begins with one of *starts*, none of which begins with another, and
    goes on as the expression *rest* says. Where *digits* is set, it has at least so
    many: words joined by hyphens are no key.
    """

    name: str
    starts: tuple[str, ...]
    rest: str
    digits: int = 0


_B64 = r"[A-Za-z0-9_-]"


def _starts(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOKEN_PATTERNS = (
    TokenPattern("jwt", _starts("eyJ eyA"), rf"{_B64}{{8,}}+\.{_B64}{{8,}}+(?:\.{_B64}*+){{1,3}}"),
    TokenPattern("aws_access_key", _starts("AKIA ASIA ABIA ACCA"), r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    TokenPattern("aws_bedrock_key", _starts("ABSK bedrock-api-key-"), r"[A-Za-z0-9+/]{100,}+=*"),
    TokenPattern("google_api_key", _starts("AIza"), rf"{_B64}{{35}}"),
    TokenPattern("google_oauth_token", _starts("ya29. 1//0"), rf"{_B64}{{20,}}+"),
    TokenPattern("google_client_secret", _starts("GOCSPX-"), rf"{_B64}{{20,}}+"),
    TokenPattern(
        "github_token",
        _starts("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_"),
        r"[A-Za-z0-9_]{20,}+",
    ),
    TokenPattern(
        "gitlab_token",
        _starts(
            "glpat- gldt- glptt- glcbt- glft- glimt- glagent- gloas- glsoat- glrt- glffct- glwt-"
        ),
        r"[A-Za-z0-9_.-]{20,}+",
    ),
    TokenPattern(
        "slack_token",
        _starts("xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs- xapp-"),
        r"[A-Za-z0-9.%-]{10,}+",
        digits=2,
    ),
    TokenPattern(
        "slack_webhook",
        _starts("hooks.slack.com/services/ hooks.slack.com/workflows/"),
        r"[A-Za-z0-9/_]{20,}+",
    ),
    TokenPattern(
        "discord_webhook",
        _starts("discord.com/api/webhooks/ discordapp.com/api/webhooks/"),
        r"[0-9]{10,25}+/[\w-]{20,}+",
    ),
    TokenPattern(
        "stripe_key",
        _starts("sk_live_ sk_test_ rk_live_ rk_test_ whsec_"),
        r"[A-Za-z0-9+/=_]{16,}+",
    ),
    TokenPattern("anthropic_key", _starts("sk-ant-"), rf"{_B64}{{20,}}+", digits=1),
    TokenPattern("openai_key", _starts("sk-"), rf"(?!ant-){_B64}{{20,}}+", digits=2),
    TokenPattern("sendgrid_key", _starts("SG."), rf"{_B64}{{16,40}}+\.{_B64}{{16,80}}+"),
    TokenPattern("twilio_key", _starts("SK"), r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    TokenPattern("npm_token", _starts("npm_"), r"[A-Za-z0-9]{36}"),
    TokenPattern("pypi_token", _starts("pypi-AgE"), rf"{_B64}{{40,}}+"),
    TokenPattern("rubygems_key", _starts("rubygems_"), r"[0-9a-f]{48}"),
    TokenPattern("docker_token", _starts("dckr_pat_ dckr_oat_"), rf"{_B64}{{20,}}+"),
    TokenPattern("huggingface_token", _starts("hf_ api_org_"), r"[A-Za-z0-9]{30,}+"),
    TokenPattern("digitalocean_token", _starts("dop_v1_ doo_v1_ dor_v1_"), r"[0-9a-f]{64}"),
    TokenPattern("shopify_token", _starts("shpat_ shpca_ shppa_ shpss_"), r"[0-9A-Fa-f]{32}"),
    TokenPattern("square_token", _starts("sq0atp- sq0csp- sq0idp- EAAA"), rf"{_B64}{{22,}}+"),
    TokenPattern("mailgun_key", _starts("key-"), r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    TokenPattern("databricks_token", _starts("dapi dose"), r"[0-9a-f]{32}(?:-\d)?"),
    TokenPattern("vault_token", _starts("hvs. hvb. hvr."), rf"{_B64}{{24,}}+"),
    TokenPattern("doppler_token", _starts("dp.pt. dp.st. dp.sa. dp.ct."), r"[A-Za-z0-9_.-]{20,}+"),
    TokenPattern("grafana_token", _starts("glsa_ glc_"), r"[A-Za-z0-9+/=_]{32,}+"),
    TokenPattern("sentry_token", _starts("sntrys_ sntryu_"), r"[A-Za-z0-9+/=_.-]{32,}+"),
    TokenPattern("newrelic_key", _starts("NRAK- NRJS- NRAL- NRII-"), r"[A-Za-z0-9_-]{19,}+"),
    TokenPattern("datadog_token", _starts("ddpat_ ddapp_"), r"[A-Za-z0-9_]{30,}+"),
    TokenPattern(
        "dynatrace_token",
        _starts("dt0c01. dt0s01. dt0s02. dt0s16."),
        r"[A-Z0-9]{8,}+\.[A-Z0-9]{30,}+",
    ),
    TokenPattern("linear_key", _starts("lin_api_ lin_oauth_"), r"[A-Za-z0-9]{30,}+"),
    TokenPattern("notion_token", _starts("ntn_ secret_"), r"[A-Za-z0-9]{40,}+"),
    TokenPattern("postman_key", _starts("PMAK-"), r"[0-9a-f]{24}-[0-9a-f]{34}"),
    TokenPattern("groq_key", _starts("gsk_"), r"[A-Za-z0-9]{40,}+"),
    TokenPattern("xai_key", _starts("xai-"), r"[A-Za-z0-9]{60,}+"),
    TokenPattern("perplexity_key", _starts("pplx-"), r"[A-Za-z0-9]{40,}+"),
    TokenPattern("replicate_token", _starts("r8_"), r"[A-Za-z0-9]{37}"),
    TokenPattern("supabase_token", _starts("sbp_ sb_secret_"), r"[A-Za-z0-9_]{20,}+"),
    TokenPattern(
        "planetscale_token", _starts("pscale_tkn_ pscale_pw_ pscale_oauth_"), rf"{_B64}{{30,}}+"
    ),
    TokenPattern("atlassian_token", _starts("ATATT3 ATCTT3 ATBB"), r"[A-Za-z0-9_=-]{28,}+"),
    TokenPattern("netlify_token", _starts("nfp_"), r"[A-Za-z0-9_]{36,}+"),
    TokenPattern("heroku_key", _starts("HRKU-"), rf"{_B64}{{36,}}+"),
    TokenPattern("flyio_token", _starts("FlyV1"), r"\s[A-Za-z0-9_,=+/-]{40,}+"),
    TokenPattern("brevo_key", _starts("xkeysib- xsmtpsib-"), r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    TokenPattern("alibaba_access_key", _starts("LTAI"), r"[A-Za-z0-9]{12,26}+", digits=1),
    TokenPattern("age_key", _starts("AGE-SECRET-KEY-1"), r"[A-Z0-9]{50,}+"),
)
"""The shapes by provider, tried in this order."""

_TELEGRAM = re.compile(r"(?<![0-9A-Za-z])[0-9]{8,10}:AA[A-Za-z0-9_-]{32,33}(?![A-Za-z0-9_-])")
"""A token of Telegram's, which begins with a number; looked for where there is ``:AA``."""
_REACH = 64
"""Characters of the longest start of a pattern, and of Telegram's token."""

_BEGINS = r"(?:(?<![A-Za-z0-9]{0})|(?<=%[0-9A-Fa-f][0-9A-Fa-f]{0})|(?<=\\[nrt]{0}))"
"""Not inside a word; the end of an escape such as ``%3D`` or ``\\n`` is none."""


class TokenSearch:
    """Finds secrets by *patterns*: first where one may begin, then whether one does."""

    def __init__(self, patterns: Iterable[TokenPattern] = TOKEN_PATTERNS) -> None:
        patterns = tuple(patterns)
        self._starts = _compile_starts(patterns)
        self._whole = _compile(patterns)
        self._digits = {pattern.name: pattern.digits for pattern in patterns}

    def redact(self, text: str, mark: Mark, step: Step) -> str:
        """Return *text* with the secrets marked."""
        if ":AA" in text:
            text = slices.replace(
                _TELEGRAM,
                text,
                lambda match: mark("telegram_token", match[0]),
                reach=_REACH,
                step=step,
            )
        return slices.spliced(text, self._spans(text, mark, step))

    def _spans(self, text: str, mark: Mark, step: Step) -> Iterator[tuple[int, int, str]]:
        position = 0
        while start := slices.find(self._starts, text, position, reach=_REACH, step=step):
            match = self._whole.match(text, start.start())
            position = start.start() + 1 if match is None else match.end()
            if match is not None:
                yield *match.span(), self._shown(match, mark)
            step()

    def _shown(self, match: re.Match[str], mark: Mark) -> str:
        secret = match.group()
        name = str(match.lastgroup).partition("__")[0]
        wanted = self._digits[name]
        if wanted and sum(map(str.isdigit, secret)) < wanted:
            return secret
        return mark(name, secret)


def _compile_starts(patterns: Iterable[TokenPattern]) -> re.Pattern[str]:
    """
    Return one expression that finds whatever begins as one of *patterns* does.

    It is a tree of letters, which leaves few branches to try after each. It looks behind
    only where a start is complete, because the engine skips what is no first letter of a
    branch only where each branch begins with one.
    """
    starts = {start for pattern in patterns for start in pattern.starts}
    return re.compile(_tree("", sorted(starts)))


def _tree(prefix: str, starts: list[str]) -> str:
    if prefix in starts:
        return _BEGINS.replace("{0}", re.escape(prefix))
    at = len(prefix)
    branches = [
        re.escape(letter) + _tree(prefix + letter, [s for s in starts if s[at] == letter])
        for letter in sorted({start[at] for start in starts})
    ]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _compile(patterns: Iterable[TokenPattern]) -> re.Pattern[str]:
    """
    Return one expression that matches any of *patterns*, its group named as the pattern.

    The branches are sorted by first letter, since most can be left out by it.
    """
    branches: dict[str, list[str]] = {}
    for pattern in patterns:
        by_letter: dict[str, list[str]] = {}
        for start in pattern.starts:
            literal = re.escape(start)
            begins = _BEGINS.replace("{0}", literal)
            by_letter.setdefault(start[0], []).append(f"{re.escape(start[1:])}{begins}")
        for letter, starts in by_letter.items():
            group = f"{pattern.name}__{ord(letter)}"
            body = f"(?P<{group}>(?:{'|'.join(starts)}){pattern.rest})"
            branches.setdefault(letter, []).append(body)
    return re.compile(
        "|".join(
            f"{re.escape(letter)}(?:{'|'.join(bodies)})"
            for letter, bodies in sorted(branches.items())
        )
    )
