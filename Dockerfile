# Two stages; or, from a binary built before: docker build --target prebuilt .
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build

FROM debian:bookworm-slim AS base
RUN useradd --system --home-dir /data dotdo && install -d -o dotdo -g dotdo -m 0700 /data
USER dotdo
VOLUME /data
EXPOSE 5432 3306 6379 27017 4222 8600
ENV DOTDO_DATA_DIR=/data
ENTRYPOINT ["dotdo-proxy"]
CMD ["serve", "--config", "/etc/dotdo-proxy.yaml"]

FROM base AS prebuilt
COPY configs/container.yaml /etc/dotdo-proxy.yaml
COPY bin/dotdo-proxy /usr/local/bin/dotdo-proxy

FROM base
COPY configs/container.yaml /etc/dotdo-proxy.yaml
COPY --from=build /src/bin/dotdo-proxy /usr/local/bin/dotdo-proxy
