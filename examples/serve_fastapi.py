"""Serve a model over HTTP
=======================

A FastAPI app that labels uploads, the content of a file, or a file in base64: :doc:`/serving`.
"""

import os
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Body, FastAPI, File, HTTPException, UploadFile
from pydantic import Base64Bytes, WithJsonSchema
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from ser_estimators import load_model, predict_clips

MAX_BYTES, MAX_FILES, MAX_SECONDS, MAX_THREADS = 20_000_000, 16, 60, 4
model = load_model(os.environ.get("SER_MODEL", "emotion.safetensors"))
Upload = Annotated[UploadFile, WithJsonSchema({"type": "string", "format": "binary"})]
app, threads = FastAPI(title="Emotion in speech"), BoundedSemaphore(MAX_THREADS)
app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BYTES)


def label(clips: list[dict]) -> list[dict]:
    """Label clips, or refuse all of them with the reasons if some cannot be used."""
    with threads:
        found = predict_clips(model, clips, on_error="skip", max_duration=MAX_SECONDS)
    if found.failures:
        raise HTTPException(422, [{"file": f, "reason": r} for _, f, r in found.failures])
    names = [str(name) for name in found.classes]
    scores = [dict(zip(names, row, strict=True)) for row in found.probabilities.tolist()]
    rows = zip(found.names, found.labels, scores, strict=True)
    return [{"file": file, "label": emotion, "probabilities": p} for file, emotion, p in rows]


@app.post("/predict")
def predict(files: Annotated[list[Upload], File(max_length=MAX_FILES)]) -> list[dict]:
    """Label one or several uploads."""
    return label([{"bytes": file.file.read(), "path": file.filename} for file in files])


@app.post("/predict/bytes")
def predict_bytes(
    content: Annotated[bytes, Body(media_type="application/octet-stream")],
) -> list[dict]:
    """Label the content of an audio file."""
    return label([{"bytes": content}])


@app.post("/predict/json")
def predict_json(audio: Annotated[Base64Bytes, Body(embed=True)]) -> list[dict]:
    """Label an audio file in base64."""
    return label([{"bytes": audio}])


@app.get("/health")
async def health() -> dict:
    """Answer, even while all threads predict."""
    return {"status": "ok"}
