"""Serve a model over HTTP
=======================

A FastAPI app that labels uploads, the content of a file, or a file in base64: :doc:`/serving`.
"""

import os
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Body, FastAPI, File, HTTPException, UploadFile, exceptions, responses
from pydantic import Base64Bytes, WithJsonSchema
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from ser_estimators import load_model, predict_clips

MAX_BYTES, MAX_FILES, MAX_SECONDS, MAX_THREADS = 20_000_000, 16, 60, 4
Upload = Annotated[UploadFile, WithJsonSchema({"type": "string", "format": "binary"})]  # for /docs
Content = Annotated[bytes, Body(media_type="application/octet-stream")]
model = load_model(os.environ.get("SER_MODEL", "emotion.safetensors"))
app, threads = FastAPI(title="Emotion in speech"), BoundedSemaphore(MAX_THREADS)
app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BYTES)


@app.exception_handler(exceptions.RequestValidationError)
async def explain(_: object, error: exceptions.RequestValidationError) -> responses.JSONResponse:
    faults = [{"file": "", "reason": f"{one['loc']}: {one['msg']}"} for one in error.errors()[:9]]
    return responses.JSONResponse({"detail": faults}, 422)  # without a copy of the request


def label(clips: list[dict]) -> list[dict]:
    with threads:
        found = predict_clips(model, clips, on_error="skip", max_duration=MAX_SECONDS)
    if found.failures:
        raise HTTPException(422, [{"file": f, "reason": r} for _, f, r in found.failures])
    names, table = [str(name) for name in found.classes], found.probabilities.astype(float).round(6)
    scores = [dict(zip(names, row, strict=True)) for row in table.tolist()]
    rows = zip(found.names, found.labels, scores, strict=True)
    return [{"file": file, "label": emotion, "probabilities": p} for file, emotion, p in rows]


@app.post("/predict", description="Label one or several uploads.")
def predict(files: Annotated[list[Upload], File(max_length=MAX_FILES)]) -> list[dict]:
    return label([{"bytes": file.file.read(), "path": file.filename} for file in files])


@app.post("/predict/bytes", description="Label the content of an audio file.")
def predict_bytes(content: Content) -> list[dict]:
    return label([{"bytes": content}])


@app.post("/predict/json", description="Label an audio file in base64.")
def predict_json(audio: Annotated[Base64Bytes, Body(embed=True)]) -> list[dict]:
    return label([{"bytes": audio}])


@app.get("/health", description="Answer, even while all threads predict.")
async def health() -> dict:
    return {"status": "ok"}
