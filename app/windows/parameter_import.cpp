#include "app/windows/parameter_import.h"

#include "app/models/picture_store.h"
#include "app/models/request_document.h"
#include "app/models/steering_nets.h"
#include "app/widgets/notice_bar.h"
#include "pipelines/request/parameters.h"

#include <QFileInfo>
#include <QMimeData>
#include <QTemporaryFile>
#include <QUrl>

#include <algorithm>
#include <memory>

namespace kinora::app {
namespace {

using pipelines::ImageRequest;
using pipelines::ParameterRole;

constexpr qsizetype kLargestPaste = 256 << 20;

QString localFile(const QMimeData& data) {
    for (const QUrl& url : data.urls())
        if (url.isLocalFile()) return url.toLocalFile();
    return {};
}

// How the picture looks comes from it; how it is run here stays as it is.
ImageRequest merged(const ImageRequest& now, const ImageRequest& picture) {
    ImageRequest result = now;
    for (const pipelines::Parameter& parameter : pipelines::imageParameters())
        if (parameter.role == ParameterRole::Result)
            std::visit([&](auto field) { result.*field = picture.*field; }, parameter.field);
    keepPicturesOf(result, now);
    return result;
}

// The panel is narrow, and a file's name has no place where a line may break.
QString shortName(const QString& name) {
    constexpr qsizetype kLongest = 30, kTail = 12;
    if (name.size() <= kLongest) return name;
    return name.left(kLongest - kTail - 1) + QChar(0x2026) + name.right(kTail);
}

} // namespace

ParameterImport::ParameterImport(RequestDocument& document, PictureStore& store, NoticeBar& notice,
                                 QObject* parent)
    : QObject(parent), m_document(document), m_store(store), m_notice(notice) {}

bool ParameterImport::canRead(const QMimeData& data) {
    return !localFile(data).isEmpty() || data.hasFormat("image/png") || data.hasText();
}

void ParameterImport::readMime(const QMimeData& data) {
    if (const QString file = localFile(data); !file.isEmpty()) {
        readFile(file, QFileInfo(file).fileName());
    } else if (data.hasFormat("image/png")) {
        const QByteArray bytes = data.data("image/png");
        auto file = std::make_shared<QTemporaryFile>();
        if (bytes.size() > kLargestPaste || !file->open() || file->write(bytes) != bytes.size() ||
            !file->flush()) {
            m_notice.showNotice(NoticeTone::Error, "The pasted picture could not be read.");
            return;
        }
        m_store.readInfo(file->fileName().toStdString(), [this,
                                                          file](Result<core::PictureInfo> info) {
            if (info)
                take(*info, "the pasted picture");
            else
                m_notice.showNotice(NoticeTone::Error, "The pasted picture could not be read. " +
                                                           toQString(info.error().advice()));
        });
    } else if (data.hasText()) {
        readText(data.text());
    }
}

void ParameterImport::readFile(const QString& path, const QString& name) {
    m_store.readInfo(path.toStdString(), [this, name](Result<core::PictureInfo> info) {
        if (info) {
            take(*info, name);
            return;
        }
        const Error& error = info.error();
        m_notice.showNotice(
            NoticeTone::Error,
            QString::fromStdString(error.message() + " " + error.advice()).trimmed());
    });
}

void ParameterImport::readText(const QString& text) {
    const core::PictureInfo info = core::parseParametersText(text.left(1 << 20).toStdString());
    take(info, "the pasted text");
}

void ParameterImport::take(const core::PictureInfo& info, const QString& name) {
    if (!info.request) {
        m_notice.showNotice(NoticeTone::Warning,
                            QString("Nothing in %1 says how it was made.").arg(shortName(name)));
        return;
    }
    use(*info.request, name);
    if (info.others.empty()) return;
    QStringList left;
    for (const auto& [key, value] : info.others) {
        if (left.size() == 6) {
            left << QString("%1 more").arg(info.others.size() - 6);
            break;
        }
        left << toQString(key).left(40);
    }
    m_notice.showNotice(NoticeTone::Info, m_notice.text() + " Left out, it has no equal here: " +
                                              left.join(", ") + ".");
}

void ParameterImport::use(const ImageRequest& picture, const QString& name) {
    ImageRequest request = merged(m_document.request(), picture);
    QString note = QString("These are the parameters of %1.").arg(shortName(name));
    const std::string model = request.model;
    const bool known = model.empty() || std::ranges::any_of(m_document.models(), [&](auto& entry) {
                           return QString::compare(toQString(entry.name), toQString(model),
                                                   Qt::CaseInsensitive) == 0;
                       });
    if (!known) {
        request.model = m_document.request().model;
        note += QString(" Its model, %1, is not on this machine, so the result will differ.")
                    .arg(toQString(model).left(120));
    }
    try {
        pipelines::validate(request);
    } catch (const Error& error) {
        m_notice.showNotice(NoticeTone::Error,
                            QString("%1: %2").arg(shortName(name), toQString(error.message())));
        return;
    }
    m_document.replace(request, "use of parameters");
    m_notice.showNotice(known ? NoticeTone::Info : NoticeTone::Warning, note);
}

} // namespace kinora::app
