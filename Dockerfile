# Fleetbeat, as docker-compose.yml runs it: one image for the devices, the SuperLink and the aggregator.
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir --root-user-action ignore uv && uv venv /opt/fleetbeat
ENV VIRTUAL_ENV=/opt/fleetbeat UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /build
# What it stands on first: a change of ours does not fetch it again.
COPY pyproject.toml .
RUN uv pip install -r pyproject.toml
COPY . .
RUN uv build --wheel --out-dir /tmp/wheel && uv pip install --no-deps /tmp/wheel/*.whl

FROM python:3.12-slim
# uid 1000 is the first user of most machines: run folders belong to whoever looks at them.
RUN useradd --uid 1000 --user-group --home-dir /tmp --no-create-home --shell /usr/sbin/nologin fleetbeat \
    && install -d -o fleetbeat -g fleetbeat -m 700 /data /runs
COPY --from=build /opt/fleetbeat /opt/fleetbeat
# Flower reports, looks for updates and installs what an app depends on, unless told.
ENV PATH=/opt/fleetbeat/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FLWR_HOME=/tmp/flwr \
    FLWR_TELEMETRY_ENABLED=0 \
    FLWR_DISABLE_UPDATE_CHECK=1 \
    FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION=1 \
    FLWR_LOG_LEVEL=WARNING
USER fleetbeat
WORKDIR /
ENTRYPOINT ["fleetbeat"]
CMD ["--help"]
