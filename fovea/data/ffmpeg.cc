#include "fovea/data/ffmpeg.h"

extern "C" {
#include <libavutil/version.h>
}

#include <array>
#include <cstdarg>
#include <cstdio>

#include "fovea/data/image.h"
#include "fovea/data/shared_library.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

thread_local std::array<char, 256> t_message = {};

void keep_first(void* /*context*/, int level, const char* format, va_list values) {
  if (level > AV_LOG_ERROR || t_message[0] != '\0') return;
  std::vsnprintf(t_message.data(), t_message.size(), format, values);
}

#define FOVEA_SONAME(library, major) "lib" library ".so." AV_STRINGIFY(major)
constexpr const char* kAvutil = FOVEA_SONAME("avutil", LIBAVUTIL_VERSION_MAJOR);
constexpr const char* kAvcodec = FOVEA_SONAME("avcodec", LIBAVCODEC_VERSION_MAJOR);
constexpr const char* kAvformat = FOVEA_SONAME("avformat", LIBAVFORMAT_VERSION_MAJOR);
constexpr const char* kSwscale = FOVEA_SONAME("swscale", LIBSWSCALE_VERSION_MAJOR);
#undef FOVEA_SONAME

Ffmpeg load() {
  Ffmpeg all;
  SharedLibrary avutil({kAvutil});
  avutil.find("av_frame_alloc", all.av_frame_alloc);
  avutil.find("av_frame_free", all.av_frame_free);
  avutil.find("av_frame_get_side_data", all.av_frame_get_side_data);
  avutil.find("av_frame_move_ref", all.av_frame_move_ref);
  avutil.find("av_frame_unref", all.av_frame_unref);
  avutil.find("av_free", all.av_free);
  avutil.find("av_log_set_callback", all.av_log_set_callback);
  avutil.find("av_malloc", all.av_malloc);
  avutil.find("av_strerror", all.av_strerror);
  SharedLibrary avcodec({kAvcodec});
  avcodec.find("av_packet_alloc", all.av_packet_alloc);
  avcodec.find("av_packet_free", all.av_packet_free);
  avcodec.find("av_packet_unref", all.av_packet_unref);
#if LIBAVCODEC_VERSION_MAJOR >= 61
  avcodec.find("av_packet_side_data_get", all.av_packet_side_data_get);
#endif
  avcodec.find("avcodec_alloc_context3", all.avcodec_alloc_context3);
  avcodec.find("avcodec_find_decoder", all.avcodec_find_decoder);
  avcodec.find("avcodec_flush_buffers", all.avcodec_flush_buffers);
  avcodec.find("avcodec_free_context", all.avcodec_free_context);
  avcodec.find("avcodec_get_name", all.avcodec_get_name);
  avcodec.find("avcodec_open2", all.avcodec_open2);
  avcodec.find("avcodec_parameters_to_context", all.avcodec_parameters_to_context);
  avcodec.find("avcodec_receive_frame", all.avcodec_receive_frame);
  avcodec.find("avcodec_send_packet", all.avcodec_send_packet);
  SharedLibrary avformat({kAvformat});
#if LIBAVFORMAT_VERSION_MAJOR < 61
  avformat.find("av_stream_get_side_data", all.av_stream_get_side_data);
#endif
  avformat.find("av_find_best_stream", all.av_find_best_stream);
  avformat.find("av_read_frame", all.av_read_frame);
  avformat.find("av_seek_frame", all.av_seek_frame);
  avformat.find("avformat_alloc_context", all.avformat_alloc_context);
  avformat.find("avformat_close_input", all.avformat_close_input);
  avformat.find("avformat_find_stream_info", all.avformat_find_stream_info);
  avformat.find("avformat_open_input", all.avformat_open_input);
  avformat.find("avio_alloc_context", all.avio_alloc_context);
  avformat.find("avio_context_free", all.avio_context_free);
  SharedLibrary swscale({kSwscale});
  swscale.find("sws_freeContext", all.sws_free_context);
  swscale.find("sws_getCachedContext", all.sws_get_cached_context);
  swscale.find("sws_getCoefficients", all.sws_get_coefficients);
  swscale.find("sws_scale", all.sws_scale);
  swscale.find("sws_setColorspaceDetails", all.sws_set_colorspace_details);
  all.is_there =
      avutil.is_whole() && avcodec.is_whole() && avformat.is_whole() && swscale.is_whole();
  if (all.av_log_set_callback != nullptr) all.av_log_set_callback(keep_first);  // else it prints
  return all;
}

}  // namespace

const Ffmpeg& ffmpeg() {
  static const Ffmpeg kLibraries = load();
  return kLibraries;
}

void check_ffmpeg(const std::string& name) {
  if (ffmpeg().is_there) return;
  // Debian's packages bear the libraries' numbers.
  throw MissingLibrary(
      name, fmt::format("video, and sound that libsndfile doesn't know, are read through FFmpeg's "
                        "{}, {}, {} and {}, which are not installed (Debian packages libavformat{} "
                        "and libswscale{})",
                        kAvformat, kAvcodec, kSwscale, kAvutil, LIBAVFORMAT_VERSION_MAJOR,
                        LIBSWSCALE_VERSION_MAJOR));
}

void forget_ffmpeg_message() { t_message[0] = '\0'; }

std::string ffmpeg_message(int error) {
  std::string message = t_message.data();
  if (message.empty() && ffmpeg().av_strerror != nullptr) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> meaning = {};
    ffmpeg().av_strerror(error, meaning.data(), meaning.size());
    message = meaning.data();
  }
  while (!message.empty() && (message.back() == '\n' || message.back() == '.')) message.pop_back();
  return printable(message);
}

}  // namespace fovea
