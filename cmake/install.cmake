# What `cmake --install` puts where: the library with its public headers, the program, and a CMake
# package.
include(CMakePackageConfigHelpers)

# fovea/fovea.h, all that it includes, and what a program needs to read and write files itself.
set(FOVEA_PUBLIC_HEADERS
    api.h
    fovea.h
    segmenter.h
    backend/grid.h
    backend/kinds.h
    backend/plan.h
    backend/profile.h
    backend/rotation.h
    backend/windows.h
    data/image.h
    data/preprocess.h
    engine/engine.h
    io/array.h
    io/error.h
    io/file.h
    io/npy.h
    io/safetensors.h
    io/tensor_view.h
    model/architecture.h
    model/block_shape.h
    model/config.h
    model/cost.h
    model/course.h
    model/labels.h
    model/stem.h
    model/speedup.h
    segment/answer.h
    segment/everything.h
    segment/placement.h
    segment/prompt.h
    segment/rle.h
    tokens/amount.h
    tokens/counts.h
    tokens/course.h
    tokens/options.h
    tokens/sources.h)
foreach(header ${FOVEA_PUBLIC_HEADERS})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/fovea/${header}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea/${folder})
endforeach()

install(TARGETS fovea EXPORT foveaTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(FOVEA_CLI)
  install(TARGETS fovea_cli)
endif()

set(FOVEA_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/foveaConfig.cmake.in ${PROJECT_BINARY_DIR}/foveaConfig.cmake
  INSTALL_DESTINATION ${FOVEA_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/foveaConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/foveaConfig.cmake ${PROJECT_BINARY_DIR}/foveaConfigVersion.cmake
        DESTINATION ${FOVEA_PACKAGE_DIR})
install(EXPORT foveaTargets NAMESPACE fovea:: DESTINATION ${FOVEA_PACKAGE_DIR})
