"""Serve a model over HTTP
=======================

A FastAPI app that labels uploads, the content of a file, or a file in base64: :doc:`/serving`.
"""

import os
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import Body, FastAPI, File, Header, HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import Base64Bytes, WithJsonSchema
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from ser_estimators import load_model, predict_clips

MAX_BYTES, MAX_FILES, MAX_SECONDS, MAX_THREADS = 20_000_000, 16, 60, 4
try:
    model = load_model(os.environ.get("SER_MODEL", "emotion.safetensors"))
except ValueError as error:
    raise SystemExit(f"SER_MODEL: {error}") from None
Upload = Annotated[UploadFile, WithJsonSchema({"type": "string", "format": "binary"})]
app, threads = FastAPI(title="Emotion in speech"), BoundedSemaphore(MAX_THREADS)
app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BYTES)
app.add_route("/", lambda _: RedirectResponse("docs"))


@app.middleware("http")
async def check_length(request: Request, answer: Any) -> Response:
    """Refuse a long body before it is sent, in JSON; the limit above would answer in text."""
    if int(request.headers.get("content-length", 0)) > MAX_BYTES:
        return JSONResponse({"detail": "Content Too Large"}, 413)
    return await answer(request)


@app.exception_handler(RequestValidationError)
async def explain(request: Request, error: RequestValidationError) -> JSONResponse:
    """Say what is wrong with a request, without the copy of it that FastAPI adds."""
    errors = [(e["loc"], e["msg"]) for e in error.errors()[:MAX_FILES]]
    said = [(loc, "Expected a file" if "UploadFile" in msg else msg) for loc, msg in errors]
    return JSONResponse({"detail": [{"loc": loc, "msg": msg} for loc, msg in said]}, 422)


def label(clips: list[dict]) -> list[dict]:
    """Label clips, or refuse all of them with the reasons if some cannot be used."""
    with threads:
        found = predict_clips(model, clips, on_error="skip", max_duration=MAX_SECONDS)
    if found.failures:
        # A second sentence would be about arguments in Python.
        reasons = [{"file": f, "reason": r.split(". If ")[0]} for _, f, r in found.failures]
        raise HTTPException(422, reasons)
    names, table = [str(name) for name in found.classes], found.probabilities.astype(float).round(6)
    scores = [dict(zip(names, row, strict=True)) for row in table.tolist()]
    rows = zip(found.names, found.labels, scores, strict=True)
    return [{"file": file, "label": emotion, "probabilities": p} for file, emotion, p in rows]


@app.post("/predict")
def predict(files: Annotated[list[Upload], File(max_length=MAX_FILES)]) -> list[dict]:
    """Label one or several uploads."""
    return label([{"bytes": file.file.read(), "path": file.filename} for file in files])


@app.post("/predict/bytes")
def predict_bytes(
    content: Annotated[bytes, Body(media_type="application/octet-stream")],
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> list[dict]:
    """Label the content of an audio file."""
    if content_type.lower().startswith("multipart/"):
        raise HTTPException(415, "This route takes the content of a file; send forms to /predict.")
    return label([{"bytes": content}])


@app.post("/predict/json")
def predict_json(audio: Annotated[Base64Bytes, Body(embed=True)]) -> list[dict]:
    """Label an audio file in base64."""
    return label([{"bytes": audio}])


@app.get("/health")
async def health() -> dict:
    """Answer, even while all threads predict."""
    return {"status": "ok"}
