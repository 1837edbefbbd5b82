# One image for every role. Sources run as they are (Node.js strips types), so building is copying.
#   docker build -t sluice .
# Without a registry: give both arguments a local image that has a shell, npm and Node.js 24, and glibc.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY core core
COPY operator operator
COPY worker worker
COPY cli cli
COPY crds crds
# Tests and wasm sources are not part of the product.
RUN find core operator worker cli -name '*.test.ts' -delete -o -name '*.contract.ts' -delete \
 && cp "$(command -v node)" /app/node

FROM ${BASE}
COPY --from=build /app /app
ENV NODE_ENV=production PATH=/app:/usr/local/bin:/usr/bin:/bin
USER 65532:65532
WORKDIR /tmp
# Node.js is process 1: it handles SIGTERM itself (drain, persist, publish) and its exit code is the container's.
ENTRYPOINT ["/app/node", "/app/cli/sluice.mjs"]
CMD ["help"]
LABEL org.opencontainers.image.title="Sluice" org.opencontainers.image.licenses="Apache-2.0"
