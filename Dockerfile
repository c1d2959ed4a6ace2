# The binary, and the CAs that it trusts unless settings name others: no shell, no other files, and a numeric user.
#
#   docker build -t evergate .
#   docker run --rm evergate version
#   docker run -p 127.0.0.1:6379:6379 evergate run --listen 0.0.0.0:6379 --no-auth --primary HOST:PORT

ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# go build takes the version for "evergate version" from .git. Without .git, or for another version:
# --build-arg VERSION=v1.2.3 --build-arg REVISION=$(git rev-parse HEAD)
COPY . .
ARG VERSION
ARG REVISION
RUN CGO_ENABLED=0 go build -trimpath -o /evergate -ldflags "\
      -X evergate/gateway/status.stampedVersion=${VERSION} \
      -X evergate/gateway/status.stampedRevision=${REVISION}" ./cmd/evergate

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="evergate" \
      org.opencontainers.image.description="One address in front of Redis Sentinel, Redis Cluster or a primary with replicas" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /evergate /evergate
USER 65532:65532
EXPOSE 6379
STOPSIGNAL SIGTERM
# It checks the listener in the variables, or in flags that are added here. A gateway that replies LOADING or requires a
# password is alive.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/evergate", "healthcheck"]
ENTRYPOINT ["/evergate"]
CMD ["run"]
