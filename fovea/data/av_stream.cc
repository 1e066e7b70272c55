#include "fovea/data/av_stream.h"

#include <algorithm>
#include <new>

#include "fovea/data/cut_short.h"
#include "fovea/io/fail.h"
#include "fovea/io/file_kind.h"

namespace fovea {
namespace {

constexpr int kBuffer = 1 << 16;

// Containers that name other files get none.
int refuse_file(AVFormatContext* /*format*/, AVIOContext** /*io*/, const char* /*url*/,
                int /*flags*/, AVDictionary** /*options*/) {
  return AVERROR(EACCES);
}

const char* what_of(AVMediaType type) { return type == AVMEDIA_TYPE_VIDEO ? "video" : "sound"; }

// As FFmpeg calls it.
int read_from(void* client, uint8_t* to, int count) {
  const auto room = static_cast<size_t>(std::max(count, 0));
  const size_t done =
      static_cast<ByteCursor*>(client)->read({reinterpret_cast<std::byte*>(to), room});
  return done == 0 ? AVERROR_EOF : static_cast<int>(done);
}
int64_t seek_in(void* client, int64_t offset, int whence) {
  auto& cursor = *static_cast<ByteCursor*>(client);
  if ((whence & AVSEEK_SIZE) != 0) return cursor.bytes().size();
  const int64_t at = cursor.seek(offset, whence & ~AVSEEK_FORCE);
  return at < 0 ? AVERROR(EINVAL) : at;
}

}  // namespace

void AvStream::FreeIo::operator()(AVIOContext* io) const {
  ffmpeg().av_free(io->buffer);
  ffmpeg().avio_context_free(&io);
}

AvStream::AvStream(const SharedBytes& bytes, AVMediaType type, int64_t max_pixels)
    : bytes_(bytes), cursor_(bytes) {
  forget_ffmpeg_message();
  packet_.reset(ffmpeg().av_packet_alloc());
  if (packet_ == nullptr) throw std::bad_alloc();
  open_container();
  open_decoder(type, max_pixels);
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* other = format_->streams[i];
    other->discard = other == stream_ ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  forget_ffmpeg_message();
}

void AvStream::open_container() {
  auto* buffer = static_cast<unsigned char*>(ffmpeg().av_malloc(kBuffer));
  if (buffer == nullptr) throw std::bad_alloc();
  io_.reset(ffmpeg().avio_alloc_context(buffer, kBuffer, 0, &cursor_, read_from, nullptr, seek_in));
  AVFormatContext* format = ffmpeg().avformat_alloc_context();
  if (io_ == nullptr || format == nullptr) throw std::bad_alloc();
  format->pb = io_.get();
  format->io_open = refuse_file;
  // Frees the context where it fails.
  int error = ffmpeg().avformat_open_input(&format, nullptr, nullptr, nullptr);
  if (error >= 0) {
    format_.reset(format);
    if (const std::string container = this->container();
        container.ends_with("_pipe") || container.starts_with("image2")) {
      fail("{}: is a picture; expected video or sound", name());
    }
    error = ffmpeg().avformat_find_stream_info(format, nullptr);
  }
  if (error >= 0) return;
  const std::string kind = kind_of_file(*bytes_);
  const std::string how = how_cut_short(*bytes_);
  fail("{}: {}: {}", name(),
       kind.empty() ? "no video or sound that FFmpeg reads"
                    : fmt::format("is {} that FFmpeg can't read", kind),
       how.empty() ? ffmpeg_message(error) : how);
}

void AvStream::open_decoder(AVMediaType type, int64_t max_pixels) {
  const int index = ffmpeg().av_find_best_stream(format_.get(), type, -1, -1, nullptr, 0);
  const bool is_cover =
      index >= 0 && (format_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (index < 0 || is_cover) fail("{}: holds no {}", name(), what_of(type));
  stream_ = format_->streams[index];
  const AVCodecParameters& parameters = *stream_->codecpar;
  const AVCodec* decoder = ffmpeg().avcodec_find_decoder(parameters.codec_id);
  if (decoder == nullptr) {
    fail("{}: its {} is {}, which the FFmpeg that is installed doesn't decode", name(),
         what_of(type), ffmpeg().avcodec_get_name(parameters.codec_id));
  }
  codec_.reset(ffmpeg().avcodec_alloc_context3(decoder));
  if (codec_ == nullptr) throw std::bad_alloc();
  int error = ffmpeg().avcodec_parameters_to_context(codec_.get(), &parameters);
  codec_->pkt_timebase = stream_->time_base;
  codec_->max_pixels = max_pixels;
  codec_->thread_count = 1;  // files are read on several threads, each on one
  if (error >= 0) error = ffmpeg().avcodec_open2(codec_.get(), decoder, nullptr);
  if (error < 0) fail("{}: broken {}: {}", name(), what_of(type), ffmpeg_message(error));
}

AvStep AvStream::broken(int error) {
  message_ = how_cut_short(*bytes_);
  if (message_.empty()) message_ = ffmpeg_message(error);
  return AvStep::broken;
}

AvStep AvStream::next_packet() {
  while (true) {
    ffmpeg().av_packet_unref(packet_.get());
    const int error = ffmpeg().av_read_frame(format_.get(), packet_.get());
    if (error == AVERROR_EOF && io_->error == 0) {
      message_ = how_cut_short(*bytes_);
      return message_.empty() ? AvStep::end : AvStep::broken;
    }
    if (error < 0) return broken(error);
    if (packet_->stream_index != stream_->index) continue;
    if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0) return broken(AVERROR_INVALIDDATA);
    return AvStep::done;
  }
}

AvStep AvStream::next_frame(AVFrame& frame) {
  while (true) {
    int error = ffmpeg().avcodec_receive_frame(codec_.get(), &frame);
    if (error == AVERROR_EOF) return last_packet_;
    if (error >= 0) {
      const bool is_whole =
          frame.decode_error_flags == 0 && (frame.flags & AV_FRAME_FLAG_CORRUPT) == 0;
      return is_whole ? AvStep::done : broken(AVERROR_INVALIDDATA);
    }
    if (error != AVERROR(EAGAIN) || last_packet_ != AvStep::done) return broken(error);
    last_packet_ = next_packet();
    // Behind the last packet, or before a broken one, the decoder gives what it still holds.
    const AVPacket* packet = last_packet_ == AvStep::done ? packet_.get() : nullptr;
    error = ffmpeg().avcodec_send_packet(codec_.get(), packet);
    if (error < 0) return broken(error);
  }
}

bool AvStream::seek(int64_t time) {
  const int error =
      ffmpeg().av_seek_frame(format_.get(), stream_->index, time, AVSEEK_FLAG_BACKWARD);
  if (error < 0) return false;
  ffmpeg().avcodec_flush_buffers(codec_.get());
  last_packet_ = AvStep::done;
  return true;
}

}  // namespace fovea
