"""The words that tell a secret name from a harmless one: all the policy knows of names."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split(","))


STRONG = _words(
    """
    password passwd passphrase passcode passwort kennwort wachtwoord contrasena senha
    secret credential apikey accesskey secretkey privatekey
    """
)
"""Words that make a name secret wherever they stand, unless it ends in one of `HARMLESS`."""

WEAK = _words(
    """
    auth authorization bearer cookie cookie2 csrf jwt otp totp pass pin pwd session sessid
    phpsessid jsessionid token xsrf cvv cvv2 cvc cvc2 ssn tan
    """
)
"""Words that make a name secret where it ends in them: what ``auth.method`` says is none."""

NUMERIC = _words("token otp totp pin pwd cvv cvv2 cvc cvc2 ssn tan")
"""Words of `WEAK` whose values are secret as numbers, too."""

SEQUENCES = _phrases(
    """
    api key, access key, secret key, private key, encryption key, signing key, master key,
    account key, shared key, ssh key, auth key, session key, service key, deploy key,
    pass word, pass phrase, pass code, pass wd, mot de passe, session id, sess id, secret id,
    connect sid, client secret, credit card, card number, cc number, security code,
    social security, recovery code, backup code, verification code, shared access signature
    """
)
"""Words that make a name secret where they follow each other, as those of `STRONG` do."""

ENDINGS = tuple(
    _words(
        """
        password passwd passphrase secret accesstoken refreshtoken authtoken idtoken csrftoken
        usertoken apitoken sessiontoken setcookie pwd
        """
    )
    | {"".join(sequence) for sequence in SEQUENCES}
)
"""What a word may end in when several were written without a border between them."""

HARMLESS = _words(
    """
    age alg algorithm arn attempt audience backend bit byte category change changed code count
    created date day default description duration enabled endpoint error exists exp expired
    expires expiration expiry field file filename format header id index invalid issuer kind
    latency length len level limit lifetime manager max message method min minute mode ms name
    namespace path policy position prefix present provider reason region required result
    rotation rule scheme scope second size source state status store strategy strength subject
    template time timeout timestamp ttl type uid updated uri url usage used user username valid
    validity vault version
    """
)
"""Last words that say something about a secret without being one."""

NEUTRAL = _words(
    """
    value text string str raw plain plaintext header encoded b64 base64 hex hash hashed
    encrypted new old current previous confirm confirmation repeat again code
    """
)
"""Words that may follow one of `WEAK` without changing what it stands for."""

PAGE_TOKENS = _words(
    "page pagination continuation continue cancellation cancel next sync fencing stop"
)
"""What makes a token one that opens no door."""

CONVENTIONAL = _words("session.id session.previous_id")
"""Names of the semantic conventions that look secret and are none: sessions of a browser."""

QUERY_NAMES = _words(
    """
    sig signature xamzsignature xamzcredential xamzsecuritytoken xgoogsignature
    xgoogcredential awsaccesskeyid
    """
)
"""Parameters of a query that are secret (semantic conventions: url.query), as one word."""

QUERY_TOKENS = _words("code key ticket assertion samlresponse samlrequest state")
"""Parameters of a query that are secret where their value looks like a token."""

STEM = re.compile(
    "pass|pwd|senha|kennwort|wachtwoord|contrasena|secret|credential|key|auth|bearer|cookie|csrf"
    "|xsrf|jwt|otp|pin|sess|sid|token|cvv|cvc|ssn|tan|card|cc|code|sig|security|ticket|assertion"
    "|saml|state|identified"
)
"""What is in every name, in lower case, that can be secret by the words above."""
