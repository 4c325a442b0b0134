# The image of a flow run: the code and its locked dependencies, nothing that builds, nothing that runs as root.
#
# Both the classic builder (docker-py, so `prefect deploy`) and BuildKit accept it: no RUN --mount, no heredoc.
# The base is pinned by tag; pin it by digest as well where a registry can be asked for one
# (`docker buildx imagetools inspect python:3.11-slim-bookworm`).

FROM python:3.11-slim-bookworm AS build

# Where packages come from when it is not PyPI: `streamliner deploy` hands over what pip is configured with.
ARG INDEX_URL=""
ARG EXTRA_INDEX_URL=""
ARG TRUSTED_HOST=""

ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    UV_PYTHON_DOWNLOADS=never \
    UV_NO_CACHE=1

WORKDIR /opt/streamliner
COPY deployments/installer.lock ./
RUN export PIP_INDEX_URL="$INDEX_URL" PIP_EXTRA_INDEX_URL="$EXTRA_INDEX_URL" PIP_TRUSTED_HOST="$TRUSTED_HOST" \
 && { [ -n "$INDEX_URL" ] || unset PIP_INDEX_URL; } \
 && python -m venv /opt/installer \
 && /opt/installer/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r installer.lock

# One layer: what is installed and removed again in two would be written to the disk twice.
COPY requirements.lock pyproject.toml deployments/warm.py ./
RUN export UV_DEFAULT_INDEX="$INDEX_URL" UV_INDEX="$EXTRA_INDEX_URL" UV_INSECURE_HOST="$TRUSTED_HOST" \
           UV_INDEX_STRATEGY=unsafe-best-match \
 && { [ -n "$INDEX_URL" ] || unset UV_DEFAULT_INDEX; } \
 && python -m venv --without-pip venv \
 && /opt/installer/bin/uv pip install --quiet --python venv --require-hashes -r requirements.lock \
 # The project is installed in place and before its code, so that a change of code leaves this layer as it is.
 && mkdir app && mv pyproject.toml app && cd app && : > README.md \
 && for package in flows tasks stages deployments; do mkdir "$package" && : > "$package/__init__.py"; done \
 && PYTHONPATH="$(echo /opt/installer/lib/python3*/site-packages)" \
    /opt/installer/bin/uv pip install --quiet --offline --python ../venv --no-deps --no-build-isolation --editable . \
 # What no flow run uses goes: test suites, headers, dashboards, place names of phone numbers, calendars and currencies
 # in all languages, cloud services other than models and storage, and libraries for protocols that are never spoken
 # (Arrow Flight, Arrow's own S3).
 && cd ../venv/lib/python3.11/site-packages \
 && find . -type d \( -name tests -o -name test \) -not -path './litellm/*' -prune -exec rm -rf {} + \
 && find . \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.h' -o -name '*.hpp' \) -delete \
 && find botocore/data -mindepth 1 -maxdepth 1 -type d -not -name 'bedrock*' -not -name 's3*' -not -name 'sso*' \
         -not -name sts -not -name signin -not -name 'sagemaker-runtime*' -exec rm -rf {} + \
 && find babel/locale-data -name '*.dat' -not -name root.dat -not -name 'en*.dat' -delete \
 && rm -rf pyarrow/include pyarrow/src pyarrow/*flight* pyarrow/*s3* \
           pyarrow/libarrow_python.so pyarrow/libarrow_python.so.*.*.* \
           phonenumbers/geodata phonenumbers/carrierdata \
           prefect/server/ui prefect/server/ui-v2 \
           litellm/proxy/_experimental/out litellm/proxy/swagger hf_xet \
 && /opt/streamliner/venv/bin/python /opt/streamliner/warm.py dependencies


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="streamliner" \
      org.opencontainers.image.description="Turns chat archives into a chronicle, as Prefect flow runs." \
      org.opencontainers.image.licenses="MIT"

# The base's own installers go too: what runs here is what was locked.
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip* \
 && groupadd --gid 10001 streamliner \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin streamliner \
 && install -d -o 10001 -g 10001 /archives /config

# The root may be read-only: what must be written goes to /archives, to /config (the key, made once) or to /tmp.
ENV PATH=/opt/streamliner/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CONFIG_HOME=/config \
    PREFECT_HOME=/tmp/prefect \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    DO_NOT_TRACK=1

COPY --from=build /opt/streamliner/venv /opt/streamliner/venv
WORKDIR /opt/streamliner/app
COPY pyproject.toml ./
COPY flows flows
COPY tasks tasks
COPY stages stages
COPY deployments deployments
RUN chmod 0755 deployments/entrypoint.sh && PYTHONDONTWRITEBYTECODE= python deployments/warm.py code && rm -rf /tmp/*

USER 10001:10001
ENTRYPOINT ["/opt/streamliner/app/deployments/entrypoint.sh"]
CMD ["streamliner", "--help"]
