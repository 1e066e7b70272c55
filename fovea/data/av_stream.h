// One stream of a media file, pictures or sound, through FFmpeg: its packets, and the frames that
// they become.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "fovea/data/ffmpeg.h"
#include "fovea/io/byte_source.h"

namespace fovea {

// What came of a step.
enum class AvStep {
  done,
  end,    // there was nothing more, as there should
  broken  // the file is; AvStream::message says how
};

// Reads nothing but these bytes: containers that name other files are refused.
class AvStream {
 public:
  // Finds the best stream of a kind; FFmpeg must be there. Throws Error naming the file where it
  // can't be opened or has none that can be decoded.
  AvStream(const SharedBytes& bytes, AVMediaType type, int64_t max_pixels);
  AvStream(const AvStream&) = delete;
  AvStream& operator=(const AvStream&) = delete;

  const std::string& name() const { return bytes_->name(); }
  const AVStream& stream() const { return *stream_; }
  // FFmpeg's name of its container.
  std::string container() const { return format_->iformat->name; }

  // The stream's next packet, which stays until the next call of anything here.
  AvStep next_packet();
  const AVPacket& packet() const { return *packet_; }
  // Decodes the next frame, in the order in which they are shown, from the packets that follow.
  AvStep next_frame(AVFrame& frame);
  // Goes to a key frame at or before a time in the stream's units. False where it can't.
  bool seek(int64_t time);
  // How the file is broken.
  const std::string& message() const { return message_; }

 private:
  struct FreeFormat {
    void operator()(AVFormatContext* format) const { ffmpeg().avformat_close_input(&format); }
  };
  struct FreeCodec {
    void operator()(AVCodecContext* codec) const { ffmpeg().avcodec_free_context(&codec); }
  };
  struct FreeIo {
    void operator()(AVIOContext* io) const;
  };

  void open_container();
  void open_decoder(AVMediaType type, int64_t max_pixels);
  AvStep broken(int error);

  SharedBytes bytes_;
  ByteCursor cursor_;  // where FFmpeg reads next; it has its address
  std::unique_ptr<AVIOContext, FreeIo> io_;
  std::unique_ptr<AVFormatContext, FreeFormat> format_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVPacket, FreePacket> packet_;
  AVStream* stream_ = nullptr;
  AvStep last_packet_ = AvStep::done;  // what the decoder was given last
  std::string message_;
};

}  // namespace fovea
