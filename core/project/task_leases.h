#pragma once
// Who works on what, in a folder that several machines may share: a lease is a file made with
// O_EXCL, touched while the work goes on, and taken over by rename when nobody touches it any
// more.
//
//     TaskLeases leases("results/.kinora-render");
//     LeaseAnswer answer = *leases.acquire("00012-fox-7.png");
//     if (answer.mine) { ...; leases.release("00012-fox-7.png"); }
//
// A lease keeps two from doing the same work; that a result appears once is the publishing's to
// see to. Any thread.

#include "kernels/base/result.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace kinora::core {

struct LeaseAnswer {
    bool mine = false;
    std::string holder;     // "host, process 1234", where it is another's
    bool takenOver = false; // from one that is gone
};

class TaskLeases {
  public:
    struct Options {
        std::chrono::milliseconds renewEvery{10'000};
        // Not touched for so long, by the clock of the disk: its holder is gone. A holder in this
        // very system that has ended is seen at once.
        std::chrono::milliseconds staleAfter{60'000};
    };
    // folder: made when first needed.
    explicit TaskLeases(std::filesystem::path folder);
    TaskLeases(std::filesystem::path folder, Options options);
    // Releases all that are held, and the folder where it is empty.
    ~TaskLeases();
    TaskLeases(const TaskLeases&) = delete;
    TaskLeases& operator=(const TaskLeases&) = delete;

    // name: a file's name without folders. Errors: Io, DiskFull.
    Result<LeaseAnswer> acquire(const std::string& name);
    void release(const std::string& name);
    // Takes away the leases of processes that are gone: of work that they finished, nobody asks for
    // them again.
    void sweep() const;

  private:
    std::filesystem::path pathOf(const std::string& name) const;
    // 0, EEXIST, or another errno.
    int create(const std::filesystem::path& path) const;
    int createInFolder(const std::filesystem::path& path) const;
    bool takeOver(const std::filesystem::path& path, const std::string& token) const;
    bool isGone(const std::filesystem::path& path) const;
    bool isMine(const std::filesystem::path& path) const;
    void renew(std::stop_token stop);

    std::filesystem::path m_folder;
    Options m_options;
    std::string m_token; // of this object, unlike any other's
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::map<std::string, std::filesystem::path> m_held;
    std::jthread m_thread; // last: joins first
};

} // namespace kinora::core
