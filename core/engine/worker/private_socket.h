#pragma once
// A unix socket between two processes of one user that know each other's process id. Whoever else
// comes is turned away before a byte is read.

#include "core/engine/worker/descriptor.h"
#include "kernels/base/result.h"

#include <filesystem>
#include <sys/types.h>

namespace kinora::core {

// The worker's side. Error{Io, InvalidArgument (a path too long for a socket)}.
class PrivateSocket {
  public:
    static Result<PrivateSocket> listen(const std::filesystem::path& path);
    ~PrivateSocket(); // removes the file
    PrivateSocket(PrivateSocket&&) noexcept;
    PrivateSocket& operator=(PrivateSocket&&) = delete;

    int descriptor() const { return m_listener.get(); }
    // Takes whoever waits, if it is the process `peer` of this user; closes others, and says so in
    // the log. An empty descriptor: it was a stranger, or nobody.
    Descriptor accept(pid_t peer) const;

  private:
    PrivateSocket(Descriptor listener, std::filesystem::path path);

    Descriptor m_listener;
    std::filesystem::path m_path;
};

// The studio's side: connects, and checks that the process `peer` of this user listens there.
Result<Descriptor> connectPrivately(const std::filesystem::path& path, pid_t peer);

} // namespace kinora::core
