// What is used of FFmpeg's libraries, where they are installed. Their structs differ from one major
// version to the next, so that their headers are needed to build, and at run time libraries of just
// those versions.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libswscale/swscale.h>
}

#include <string>

namespace fovea {

// Its functions, by their own names. is_there: all were found.
struct Ffmpeg {
  // libavutil
  decltype(&::av_frame_alloc) av_frame_alloc = nullptr;
  decltype(&::av_frame_free) av_frame_free = nullptr;
  decltype(&::av_frame_get_side_data) av_frame_get_side_data = nullptr;
  decltype(&::av_frame_move_ref) av_frame_move_ref = nullptr;
  decltype(&::av_frame_unref) av_frame_unref = nullptr;
  decltype(&::av_free) av_free = nullptr;
  decltype(&::av_log_set_callback) av_log_set_callback = nullptr;
  decltype(&::av_malloc) av_malloc = nullptr;
  decltype(&::av_strerror) av_strerror = nullptr;
  // libavcodec
  decltype(&::av_packet_alloc) av_packet_alloc = nullptr;
  decltype(&::av_packet_free) av_packet_free = nullptr;
  decltype(&::av_packet_unref) av_packet_unref = nullptr;
#if LIBAVCODEC_VERSION_MAJOR >= 61
  decltype(&::av_packet_side_data_get) av_packet_side_data_get = nullptr;
#endif
  decltype(&::avcodec_alloc_context3) avcodec_alloc_context3 = nullptr;
  decltype(&::avcodec_find_decoder) avcodec_find_decoder = nullptr;
  decltype(&::avcodec_flush_buffers) avcodec_flush_buffers = nullptr;
  decltype(&::avcodec_free_context) avcodec_free_context = nullptr;
  decltype(&::avcodec_get_name) avcodec_get_name = nullptr;
  decltype(&::avcodec_open2) avcodec_open2 = nullptr;
  decltype(&::avcodec_parameters_to_context) avcodec_parameters_to_context = nullptr;
  decltype(&::avcodec_receive_frame) avcodec_receive_frame = nullptr;
  decltype(&::avcodec_send_packet) avcodec_send_packet = nullptr;
  // libavformat
#if LIBAVFORMAT_VERSION_MAJOR < 61
  decltype(&::av_stream_get_side_data) av_stream_get_side_data = nullptr;
#endif
  decltype(&::av_find_best_stream) av_find_best_stream = nullptr;
  decltype(&::av_read_frame) av_read_frame = nullptr;
  decltype(&::av_seek_frame) av_seek_frame = nullptr;
  decltype(&::avformat_alloc_context) avformat_alloc_context = nullptr;
  decltype(&::avformat_close_input) avformat_close_input = nullptr;
  decltype(&::avformat_find_stream_info) avformat_find_stream_info = nullptr;
  decltype(&::avformat_open_input) avformat_open_input = nullptr;
  decltype(&::avio_alloc_context) avio_alloc_context = nullptr;
  decltype(&::avio_context_free) avio_context_free = nullptr;
  // libswscale
  decltype(&::sws_freeContext) sws_free_context = nullptr;
  decltype(&::sws_getCachedContext) sws_get_cached_context = nullptr;
  decltype(&::sws_getCoefficients) sws_get_coefficients = nullptr;
  decltype(&::sws_scale) sws_scale = nullptr;
  decltype(&::sws_setColorspaceDetails) sws_set_colorspace_details = nullptr;
  bool is_there = false;
};

const Ffmpeg& ffmpeg();

// Throws MissingLibrary, with the file's name in it, where they are not installed.
void check_ffmpeg(const std::string& name);

// Forgets what FFmpeg said on this thread.
void forget_ffmpeg_message();
// What it said first was wrong since then, or else what an error number means.
std::string ffmpeg_message(int error);

// Things of FFmpeg's that go with the scope.
struct FreeFrame {
  void operator()(AVFrame* frame) const { ffmpeg().av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { ffmpeg().av_packet_free(&packet); }
};

}  // namespace fovea
