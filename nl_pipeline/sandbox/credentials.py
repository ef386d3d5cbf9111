"""The fixed credentials of the sandbox.

They are public, protect nothing and open nothing but a sandbox on loopback, which is why they may
stand in the code; the credentials of a real account never do.
"""

from __future__ import annotations

ONOFFICE_TOKEN = "5a6e0b1c2d3f4a5b6c7d8e9fa0b1c2d3"
"""32 characters, as onOffice hands them out (onOffice apidoc, general notes)."""

ONOFFICE_SECRET = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
"""64 characters, used as text when signing (onOffice apidoc, general notes)."""

MAILCHIMP_API_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0-us0"
"""32 hexadecimal digits and the data centre (Mailchimp Marketing API, authentication)."""

BREVO_API_KEY = (
    "xkeysib-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff-Sandbox000000000"
)
"""``xkeysib-``, 64 hexadecimal digits and 16 characters (Brevo docs, API keys)."""

BREVO_KEY_NAME = "onoffice-connector"
"""The name the key was given at Brevo; webhooks tell it of changes that came with the key."""

LINKEDIN_CLIENT_ID = "77sandboxclient"
"""14 or so characters, as the developer portal shows them."""

LINKEDIN_CLIENT_SECRET = "WPL_AP1.SandboxSecret000.AAAAAA=="
"""Also signs notifications and answers challenges (LinkedIn docs, webhook validation)."""

LINKEDIN_ACCESS_TOKEN = "AQXSandboxAccess" + "0123456789abcdef" * 30
"""Opaque, about 500 characters."""

LINKEDIN_REFRESH_TOKEN = "AQWSandboxRefresh" + "fedcba9876543210" * 30
"""Opaque, about 500 characters."""
