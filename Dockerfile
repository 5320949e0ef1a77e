# syntax=docker/dockerfile:1
# One image for CPU, one for CUDA; the same lock, another index for torch.
#   docker build --tag quintet .
#   docker build --tag quintet:cuda --build-arg TORCH=cuda .
#   docker run --rm --volume "$PWD/logs:/app/logs" quintet src/train.py model=cnn
#   docker run --rm --gpus all --volume "$PWD/logs:/app/logs" quintet:cuda src/train.py trainer=gpu
# Where logs/ is not yours to write to in there: --user "$(id -u):$(id -g)".
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# cpu or cuda. torch's CUDA build brings its own libraries: the host needs a driver, no more.
ARG TORCH=cpu
ARG EXTRAS=parquet,images,streaming,tensorboard,onnx

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HOME=/tmp
WORKDIR /app
RUN useradd --uid 1000 runner && mkdir logs && chown 1000 logs

# What changes seldom comes first: a change of the code below installs nothing anew.
COPY pyproject.toml setup.py requirements.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked \
    mkdir --parents src/quintet && touch src/quintet/__init__.py \
    && if [ "$TORCH" = cpu ]; then index=https://download.pytorch.org/whl/cpu; fi \
    && PIP_EXTRA_INDEX_URL="${index:-}" PIP_CACHE_DIR=/root/.cache/pip \
       pip install --constraint requirements.lock --editable ".[$EXTRAS]"

COPY configs configs
COPY src src

USER 1000
ENTRYPOINT ["python"]
CMD ["src/train.py"]
