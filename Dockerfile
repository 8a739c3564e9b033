# Any image with Python 3.11 or newer and its venv module, the same in both stages.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/cqworker \
 && /opt/build/bin/pip install --require-hashes --requirement requirements-build.lock \
 && /opt/build/bin/pip --python /opt/cqworker/bin/python install --require-hashes --requirement requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY cqworker cqworker
COPY handlers handlers
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/build/bin/pip --python /opt/cqworker/bin/python install --no-deps /dist/cqworker-*.whl \
 && /opt/cqworker/bin/python -m compileall -q /opt/cqworker/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="cqworker" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/cqworker /opt/cqworker
ENV HOME=/tmp \
    PATH=/opt/cqworker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
# A number, because Kubernetes' runAsNonRoot cannot judge a name.
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/cqworker/bin/cqworker"]
CMD ["run"]
