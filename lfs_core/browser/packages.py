"""What pages run in a browser, from pinned packages of npm: ONNX Runtime, and plotly.js in part."""

from __future__ import annotations

from dataclasses import replace

from lfs_core.util.npm import NpmAsset

RUNTIME = NpmAsset(
    name="onnxruntime-web-1.30.0.mjs",
    sha256="11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    package="onnxruntime-web@1.30.0",
    package_sha256="d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    member="package/dist/ort.wasm.bundle.min.mjs",
    megabytes=33,
)
WASM = replace(
    RUNTIME,
    name="onnxruntime-web-1.30.0.wasm",
    sha256="3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    member="package/dist/ort-wasm-simd-threaded.wasm",
)
# The same with WebGPU, for a page that is allowed to use a graphics processor.
GPU_RUNTIME = replace(
    RUNTIME,
    name="onnxruntime-web-1.30.0.jspi.mjs",
    sha256="07ec090355e11b342c95436db54da2d0c2bd5b1d319745bfd3337e6bdcf170ac",
    member="package/dist/ort.jspi.bundle.min.mjs",
)
GPU_WASM = replace(
    RUNTIME,
    name="onnxruntime-web-1.30.0.jspi.wasm",
    sha256="a54c76f86b0f0d9572380cf1c6292a7b3903716ffcbcd6b0e5c7050bf430eb93",
    member="package/dist/ort-wasm-simd-threaded.jspi.wasm",
)

# Points, lines and bars only: a quarter of the whole plotly.js, so that charts are seen sooner.
PLOTLY_VERSION = "4.1.1"
PLOTLY = NpmAsset(
    name=f"plotly-basic-{PLOTLY_VERSION}.min.js",
    sha256="99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba",
    package=f"plotly.js-basic-dist-min@{PLOTLY_VERSION}",
    package_sha256="ea907f854b6cec4f6a2fa71540ec019a21ed2c61e6a109ddd5c072103a96eed0",
    member="package/plotly-basic.min.js",
    megabytes=1,
)
