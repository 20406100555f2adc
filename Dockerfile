# The image of cb: agent, station and cb-keygen, for whoever has no packages. How it is used: README, Containers.
#
#   npm run package && docker build --tag cb .       on a Docker host
#   npm run image                                    without Docker, and where nothing can be pulled
#
# dist/root-ARCH/ is the tree that `npm run package` makes from packaging/contents.toml; nothing is compiled here.

ARG BASE=docker.io/library/debian:bookworm-slim

# Runs on the architecture of the machine that builds, so that no emulator is needed for an image of the other one.
# Only files are taken from here: what a package manager leaves behind would not be the same bytes twice.
FROM --platform=$BUILDPLATFORM ${BASE} AS prepare
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates
RUN useradd --uid 10001 --home-dir /var/lib/cb --shell /usr/sbin/nologin cb \
 && install -D --mode 644 --target-directory /out/etc /etc/passwd /etc/group \
 && install -D --mode 644 --target-directory /out/etc/ssl/certs /etc/ssl/certs/ca-certificates.crt \
 && install --directory --mode 700 --owner cb --group cb /out/var/lib/cb

# A Debian without anything added: commands are scripts, which want a shell and the usual tools, and cb wants flock.
FROM ${BASE}
ARG TARGETARCH
COPY dist/root-${TARGETARCH}/ /
COPY --from=prepare /out/ /

# By number, as an engine that is told to refuse root cannot look up names.
USER 10001:10001
# Keys are found in /run/secrets, as secrets or as a mounted directory, and in /etc/cb.
# HOME is where a station remembers its agents, STATE_DIRECTORY where an agent remembers what it has run.
ENV HOME=/var/lib/cb STATE_DIRECTORY=/var/lib/cb CREDENTIALS_DIRECTORY=/run/secrets
WORKDIR /var/lib/cb
VOLUME /var/lib/cb

STOPSIGNAL SIGTERM
# Healthy is an agent that requests reach and that Redis answers. A station needs none: --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["/usr/bin/cb", "agent", "--health"]
ENTRYPOINT ["/usr/bin/cb"]
CMD ["agent"]
