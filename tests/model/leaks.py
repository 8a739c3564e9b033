"""Texts that quote a secret, in every spelling that clients, headers and addresses have for it."""

from __future__ import annotations

CANARY = "c4n4ry53cr37"
SECRETS = [
    f"Authorization: Bearer {CANARY}",
    f"authorization=Basic {CANARY}",
    f'{{"Authorization": "Bearer {CANARY}"}}',
    f"[('Authorization', 'Bearer {CANARY}')]",
    f"(b'Authorization', b'{CANARY}')",
    f"sent Bearer {CANARY} to somebody",
    f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature={CANARY}",
    f"AWS4-HMAC-SHA256 Credential={CANARY}/20261122/us-east-1/sqs/aws4_request, Signature={CANARY}",
    f"https://b.s3.amazonaws.com/k?X-Amz-Credential={CANARY}&X-Amz-Signature={CANARY}",
    f"https://b.s3.amazonaws.com/k?AWSAccessKeyId={CANARY}&Signature={CANARY}&Expires=1",
    f"GET /k?x-id=1&x-amz-security-token={CANARY} failed",
    f"host:sqs\nx-amz-date:2026\nx-amz-security-token:{CANARY}\n\nhost",
    f"host:sqs\\nx-amz-security-token:{CANARY}\\nBearer {CANARY}",
    f"{{'X-Amz-Security-Token': '{CANARY}'}}",
    f"aws_secret_access_key = {CANARY}",
    f"AWS_SECRET_ACCESS_KEY={CANARY} AWS_SESSION_TOKEN={CANARY}",
    f"client('s3', aws_secret_access_key='{CANARY}', aws_session_token='{CANARY}')",
    f'{{"SecretAccessKey": "{CANARY}", "SessionToken": "{CANARY}"}}',
    f"<SecretAccessKey>{CANARY}</SecretAccessKey><SessionToken>{CANARY}</SessionToken>",
    f"ReadOnlyCredentials(access_key='AKIA', secret_key='{CANARY}', token='{CANARY}')",
]
HARMLESS = [
    "You are not authorized, ask for authorization first.",
    "https://example.com/a?page=2&bearers=none",
    "the x-amz- headers were missing",
    "The secret of this session: no secrets.",
    "unexpected token: 'x'",
]
