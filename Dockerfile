# The daemon. Every package comes from constraints.txt, checked by its hash; development's tools stay behind.
FROM python:3.13-slim AS build
WORKDIR /build
COPY constraints.txt ./
RUN pip download --quiet --require-hashes --dest wheels --requirement constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY controller controller
COPY migrations migrations
RUN python -m venv /opt/recording-controller \
    && /opt/recording-controller/bin/pip install --quiet --no-index --find-links wheels '.[uvloop]'

FROM python:3.13-slim
# A fixed number: the files with its secrets belong to it on the host.
RUN useradd --uid 10001 --home-dir /var/lib/recording-controller --create-home recording-controller
COPY --from=build /opt/recording-controller /opt/recording-controller
ENV PATH=/opt/recording-controller/bin:$PATH
USER recording-controller
EXPOSE 4573/tcp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
ENTRYPOINT ["recording-controller"]
CMD ["run", "--config", "/etc/recording-controller/recording-controller.yaml"]
