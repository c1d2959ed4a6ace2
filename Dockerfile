# The gateway alone, on nothing: no shell, no files but the binary, no user but a number.
#
#   docker build -t evergate .
#   docker run --rm evergate version
#   docker run -p 127.0.0.1:6379:6379 evergate run --listen 0.0.0.0:6379 --no-auth --primary HOST:PORT

ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# With .git, from which go build takes the version that "evergate version" prints. Where the sources come without it,
# or to call the version something else: --build-arg VERSION=v1.2.3 --build-arg REVISION=$(git rev-parse HEAD)
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
COPY --from=build /evergate /evergate
USER 65532:65532
EXPOSE 6379
STOPSIGNAL SIGTERM
# It asks the listener of the settings it sees: variables, and flags that are added here. A gateway that says LOADING
# or asks for a password lives.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/evergate", "healthcheck"]
ENTRYPOINT ["/evergate"]
CMD ["run"]
