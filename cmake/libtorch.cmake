# libtorch, for training: what `scripts/setup train` puts into build/venv, unless CMAKE_PREFIX_PATH or
# Torch_DIR names another one.
file(GLOB FOVEA_VENV_TORCH
     ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/torch/share/cmake)
list(APPEND CMAKE_PREFIX_PATH ${FOVEA_VENV_TORCH})
find_package(Torch 2.4 QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "libtorch is not found: scripts/setup train puts it into build/venv; "
                      "-DCMAKE_PREFIX_PATH=... names another one")
endif()
