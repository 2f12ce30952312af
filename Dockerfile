# One image for every service: what it does is the command that starts it.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /app/.venv
COPY requirements.lock ./
RUN /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /app/.venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
# A new volume belongs to whom the folder belongs that it is mounted over.
RUN useradd --system --uid 10001 --home-dir /nonexistent beatline \
 && install -d -o 10001 -g 10001 -m 700 /run/keys /run/media && install -d -o 10001 -g 10001 /run/public
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
ENTRYPOINT ["beatline"]
